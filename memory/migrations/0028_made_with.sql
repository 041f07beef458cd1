-- Provenance, as messages have it: under which former id a file was attached, or an answer judged.
ALTER TABLE attachments ADD COLUMN account_id text;
ALTER TABLE feedback ADD COLUMN account_id text;

-- Slack: which process shows a preview. Whoever posts the answer waits until that process is done with it, or dead.
ALTER TABLE slack_posts ADD COLUMN owner text;

export const de =
  "Chat öffnen|Schließen|Chat|Sie|Nachricht schreiben…|Senden|Stopp|Wird gesendet…|Wartet auf Verbindung|" +
  "Nicht gesendet|Erneut versuchen|Löschen|Frühere Nachrichten|Denkt nach…|{} schreibt…|Angehalten|" +
  "Keine Verbindung. Nachrichten werden später gesendet.|Kopieren|Neueste Nachrichten|" +
  "Neue Unterhaltung|Unterhaltungen|Was über mich gemerkt ist|Meine Daten löschen|Gute Antwort|Schlechte Antwort|" +
  "{} ist dabei|{} ist gegangen|Gleich ist ein Mensch für Sie da|Ein Mensch ist jetzt dabei|" +
  "Bitte laden Sie die Seite neu.|Dieser Chat ist auf dieser Seite nicht verfügbar.|" +
  "Diese Unterhaltung gibt es nicht mehr.|Dieser Chat ist in einem anderen Fenster offen.|Datei anhängen";

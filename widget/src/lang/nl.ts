export const nl =
  "Chat openen|Sluiten|Chat|U|Schrijf een bericht…|Versturen|Stop|Wordt verstuurd…|Wacht op verbinding|" +
  "Niet verstuurd|Opnieuw proberen|Verwijderen|Eerdere berichten|Denkt na…|{} schrijft…|Gestopt|" +
  "Geen verbinding. Berichten gaan later mee.|Kopiëren|Nieuwste berichten|Nieuw gesprek|Gesprekken|" +
  "Wat er over mij is onthouden|Mijn gegevens wissen|Goed antwoord|Slecht antwoord|{} doet mee|{} is weg|" +
  "Er komt zo iemand bij u|Er doet nu iemand mee|Laad de pagina opnieuw.|" +
  "Deze chat is op deze pagina niet beschikbaar.|Dit gesprek bestaat niet meer.|" +
  "Deze chat is open in een ander venster.|Bestand bijvoegen";

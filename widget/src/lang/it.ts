export const it =
  "Apri la chat|Chiudi|Chat|Tu|Scrivi un messaggio…|Invia|Ferma|Invio…|In attesa di connessione|Non inviato|" +
  "Riprova|Elimina|Messaggi precedenti|Sto pensando…|{} sta scrivendo…|Fermato|" +
  "Nessuna connessione. I messaggi partiranno dopo.|Copia|Ultimi messaggi|Nuova conversazione|" +
  "Conversazioni|Che cosa si ricorda di me|Cancella i miei dati|Buona risposta|Cattiva risposta|{} è qui|" +
  "{} è andato via|Presto arriverà una persona|È arrivata una persona|Ricarica la pagina.|" +
  "Questa chat non è disponibile in questa pagina.|Questa conversazione non esiste più.|" +
  "Questa chat è aperta in un’altra finestra.|Allega un file";

export const pl =
  "Otwórz czat|Zamknij|Czat|Ty|Napisz wiadomość…|Wyślij|Zatrzymaj|Wysyłanie…|Czeka na połączenie|Nie wysłano|" +
  "Spróbuj ponownie|Usuń|Wcześniejsze wiadomości|Myśli…|{} pisze…|Zatrzymano|" +
  "Brak połączenia. Wiadomości czekają tu i zostaną wysłane później.|Kopiuj|Najnowsze wiadomości|Nowa rozmowa|" +
  "Rozmowy|Co o mnie zapamiętano|Usuń moje dane|Dobra odpowiedź|Zła odpowiedź|Dołącza {}|Wychodzi {}|" +
  "Wkrótce ktoś się zgłosi|Ktoś dołączył do rozmowy|Odśwież stronę.|Ten czat nie jest dostępny na tej stronie.|" +
  "Ta rozmowa już nie istnieje.|Ten czat jest otwarty w innym oknie.";

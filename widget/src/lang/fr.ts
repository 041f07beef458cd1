export const fr =
  "Ouvrir le chat|Fermer|Chat|Vous|Écrire un message…|Envoyer|Arrêter|Envoi…|En attente de connexion|Non envoyé|" +
  "Réessayer|Supprimer|Messages précédents|Réflexion…|{} écrit…|Arrêté|" +
  "Pas de connexion. Les messages partiront plus tard.|Copier|Derniers messages|" +
  "Nouvelle conversation|Conversations|Ce qui est retenu sur moi|Effacer mes données|Bonne réponse|" +
  "Mauvaise réponse|{} est là|{} est parti|Une personne arrive bientôt|Une personne est là|" +
  "Veuillez recharger la page.|Ce chat n’est pas disponible sur cette page.|Cette conversation n’existe plus.|" +
  "Ce chat est ouvert dans une autre fenêtre.|Joindre un fichier";

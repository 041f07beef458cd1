export const es =
  "Abrir el chat|Cerrar|Chat|Usted|Escriba un mensaje…|Enviar|Detener|Enviando…|Esperando conexión|No enviado|" +
  "Reintentar|Eliminar|Mensajes anteriores|Pensando…|{} está escribiendo…|Detenido|" +
  "Sin conexión. Los mensajes se enviarán después.|Copiar|Últimos mensajes|Nueva conversación|" +
  "Conversaciones|Lo que se recuerda de mí|Borrar mis datos|Buena respuesta|Mala respuesta|{} se ha unido|" +
  "{} se ha ido|Una persona le atenderá pronto|Una persona se ha unido|Recargue la página.|" +
  "Este chat no está disponible en esta página.|Esta conversación ya no existe.|" +
  "Este chat está abierto en otra ventana.|Adjuntar archivo";

export const pt =
  "Abrir o chat|Fechar|Chat|Você|Escreva uma mensagem…|Enviar|Parar|Enviando…|Aguardando conexão|Não enviada|" +
  "Tentar de novo|Excluir|Mensagens anteriores|Pensando…|{} está escrevendo…|Parado|" +
  "Sem conexão. As mensagens serão enviadas depois.|Copiar|Últimas mensagens|Nova conversa|" +
  "Conversas|O que é lembrado sobre mim|Apagar meus dados|Boa resposta|Má resposta|{} entrou|{} saiu|" +
  "Uma pessoa vai atender em breve|Uma pessoa entrou|Recarregue a página.|" +
  "Este chat não está disponível nesta página.|Esta conversa não existe mais.|" +
  "Este chat está aberto em outra janela.|Anexar arquivo";

export const en =
  "Open chat|Close|Chat|You|Write a message…|Send|Stop|Sending…|Waiting for a connection|Not sent|Try again|Delete|" +
  "Earlier messages|Thinking…|{} is typing…|Stopped|No connection. Messages are sent later.|Copy|" +
  "Newest messages|New conversation|Conversations|What is remembered about me|Erase my data|Good answer|Bad answer|" +
  "{} joined|{} left|A person will be with you soon|A person has joined|Please reload the page.|" +
  "This chat is not available on this page.|This conversation no longer exists.|" +
  "This chat is open in another window.|Attach a file";

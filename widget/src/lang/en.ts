export const en =
  "Open chat|Close chat|Chat|You|Assistant|Write a message…|Send|Stop|Conversation|Sending…|Waiting for a connection|Sent|Not sent|" +
  "Try again|Delete|Earlier messages|Thinking…|{} is typing…|Stopped|This answer could not be finished|You are offline. Messages wait here and are sent when you are back.|Connecting…|Connection lost. Trying again…|{} characters too many|" +
  "{} characters left|Copy|Copied|Table|Code|opens in a new tab|Newest messages|Menu|New conversation|Something went wrong in this chat. Please reload the page.|Your sign-in has expired. Please reload the page.|This chat is not allowed on this page.|This conversation was not found.|" +
  "This chat is open in another window.|This conversation was deleted.|This chat is out of date. Please reload the page.|Continue here|{} new messages";

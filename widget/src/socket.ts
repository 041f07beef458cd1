// The wire: text frames over a websocket. A transport reports each thing at most once and nothing after `close`.

export interface TransportEvents {
  open: () => void;
  text: (text: string) => void;
  closed: (code: number, reason: string) => void;
}

export interface Transport {
  send(text: string): void;
  close(code: number): void;
}

export function openSocket(server: string, on: TransportEvents): Transport {
  const url = new URL("/widget/ws", server);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url, "gw.v1");
  let isOver = false;
  socket.onopen = () => isOver || on.open();
  socket.onmessage = (event) => isOver || on.text(String(event.data));
  socket.onclose = (event) => {
    if (!isOver) on.closed(event.code, event.reason);
    isOver = true;
  };
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code) => {
      isOver = true;
      socket.close(code);
    },
  };
}

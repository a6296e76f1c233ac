import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** An HTTP proxy on a free loopback port that is asked for tunnels. */
export interface TunnelProxy {
  readonly url: string;
  /** What it was asked for, such as `registry.internal.test:443`. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/** To a loopback port, or what it does instead: answers with a status, or closes the connection. */
export type TunnelAnswer = { readonly port: number } | { readonly status: number } | 'close';

/** Gives everybody who asks the same answer. */
export async function startTunnelProxy(answer: TunnelAnswer): Promise<TunnelProxy> {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const server = createServer();
  server.on('connect', (request, client) => {
    asked.push(request.url ?? '');
    client.on('error', () => client.destroy());
    if (answer === 'close') return client.destroy();
    if ('status' in answer) return client.end(`HTTP/1.1 ${answer.status} No\r\ncontent-length: 0\r\n\r\n`);
    const target = connect(answer.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    target.on('error', () => client.destroy());
    return undefined;
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
        for (const socket of sockets) socket.destroy();
      }),
  };
}

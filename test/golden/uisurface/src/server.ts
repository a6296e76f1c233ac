import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

/** Longer than proxies keep unused connections: theirs would be closed under a request otherwise. */
const KEEP_ALIVE_MILLISECONDS = 75_000;

/** A server that accepts connections. */
export interface Running {
  readonly port: number;
  /** Closes the listener, gives requests in flight `timeoutSeconds`, then drops what is left. */
  stop(timeoutSeconds: number): Promise<void>;
}

/** Serves `app`. Rejects when the port cannot be had; port 0 takes a free one. */
export async function serve({ fetch }: Pick<Hono, 'fetch'>, port: number): Promise<Running> {
  const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MILLISECONDS };
  // Without options for another protocol, the adaptor makes an HTTP/1 server.
  const server = createAdaptorServer({ fetch, serverOptions }) as Server;
  // Browsers connect ahead of need. Node does not count such a connection as idle, and waits for it when it closes.
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));

  server.listen(port);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop(timeoutSeconds) {
      const closed = once(server, 'close');
      server.close();
      for (const socket of unused) socket.destroy();
      const deadline = setTimeout(() => server.closeAllConnections(), timeoutSeconds * 1000);
      await closed;
      clearTimeout(deadline);
    },
  };
}

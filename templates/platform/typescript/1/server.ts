import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

/** Longer than the idle timeout of proxies, which could otherwise send a request on a closing connection. */
const KEEP_ALIVE_MILLISECONDS = 75_000;

/** A running server. */
export interface Running {
  readonly port: number;
  /** Closes the listener, waits `timeoutSeconds` for requests in flight, then closes all connections. */
  stop(timeoutSeconds: number): Promise<void>;
}

/** Starts a server for `app`. Rejects if the port is not available; port 0 selects a free one. */
export async function serve({ fetch }: Pick<Hono, 'fetch'>, port: number): Promise<Running> {
  const serverOptions = { keepAliveTimeout: KEEP_ALIVE_MILLISECONDS };
  // The adaptor creates an HTTP/1 server by default.
  const server = createAdaptorServer({ fetch, serverOptions }) as Server;
  // Browsers open connections in advance. Node does not treat them as idle, and would wait for them on close.
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

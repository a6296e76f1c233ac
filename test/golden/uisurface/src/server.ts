import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

/** A server that accepts connections. */
export interface Running {
  readonly port: number;
  /** Closes the listener, gives requests in flight `timeoutSeconds`, then drops what is left. */
  stop(timeoutSeconds: number): Promise<void>;
}

/** Serves `app`. Rejects when the port cannot be had; port 0 takes a free one. */
export async function serve(app: Hono, port: number): Promise<Running> {
  // Without options for another protocol, the adaptor makes an HTTP/1 server.
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(port);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop(timeoutSeconds) {
      const closed = once(server, 'close');
      server.close();
      const deadline = setTimeout(() => server.closeAllConnections(), timeoutSeconds * 1000);
      await closed;
      clearTimeout(deadline);
    },
  };
}

import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerCertificate } from './certificates.ts';
import { isFetchable } from './ports.ts';

/** An HTTP server on a free loopback port. */
export interface LoopbackServer {
  readonly host: string;
  readonly url: string;
  close(): Promise<void>;
}

/** Serves on a free loopback port that `fetch` does not refuse; HTTPS when there is a certificate. */
export async function serve(listener: RequestListener, tls?: ServerCertificate): Promise<LoopbackServer> {
  const pair = tls && { cert: await readFile(tls.certFile), key: await readFile(tls.keyFile) };
  for (;;) {
    const server = pair ? createTlsServer(pair, listener) : createServer(listener);
    const port = await listen(server);
    if (!isFetchable(port)) {
      server.close();
      continue;
    }
    const host = `127.0.0.1:${port}`;
    return { host, url: `${pair ? 'https' : 'http'}://${host}`, close: () => close(server) };
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The whole body of a request, as text. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

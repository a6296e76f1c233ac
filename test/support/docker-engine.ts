import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';

/**
 * As much of a Docker engine as buildx asks for before it settles on the `docker` driver: a ping, facts about itself, and
 * its built-in BuildKit at `/grpc`, which is a real one.
 */
export async function startDockerEngine(socket: string, buildkit: string): Promise<AsyncDisposable> {
  const server = createServer((request, response) => {
    response.setHeader('Api-Version', '1.43');
    response.setHeader('Builder-Version', '2');
    response.setHeader('Ostype', 'linux');
    if (request.url?.endsWith('/_ping')) return response.end('OK');
    response.setHeader('Content-Type', 'application/json');
    if (request.url?.endsWith('/info')) {
      return response.end(JSON.stringify({ Driver: 'overlay2', DriverStatus: [], OSType: 'linux' }));
    }
    return response.end(
      JSON.stringify({ Version: '24.0.0', ApiVersion: '1.43', MinAPIVersion: '1.12', Os: 'linux' }),
    );
  });
  server.on('upgrade', (_request, client) => {
    const upstream = connect(buildkit.replace(/^unix:\/\//, ''));
    client.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    client.pipe(upstream).pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

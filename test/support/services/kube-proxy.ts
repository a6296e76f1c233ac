import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { serverCertificate } from './certificates.ts';
import { bodyOf, serve } from './http.ts';
import type { Kube } from './kube.ts';
import { inFolder, removeFolder, type Service, stopper } from './service.ts';

/** An HTTPS proxy before an API server, for what happens between two requests of a client. */
export interface KubeProxy extends Service {
  readonly address: Kube['address'];
  readonly caFile: string;
}

export interface KubeProxyHooks {
  /** Awaited before a request goes on; it is `GET /api/v1/namespaces`, without the query. */
  readonly before?: (request: string) => Promise<unknown> | undefined;
  /** Awaited before its answer goes back. */
  readonly after?: (request: string) => Promise<unknown> | undefined;
}

/** Starts one with a certificate of its own. */
export function startKubeProxy(kube: Kube, { before, after }: KubeProxyHooks): Promise<KubeProxy> {
  return inFolder('kube-proxy', async (folder) => {
    const certificate = await serverCertificate(folder);
    const ca = await readFile(kube.caFile);
    const server = await serve(async (request, response) => {
      const name = `${request.method} ${request.url?.replace(/\?.*/, '')}`;
      const body = await bodyOf(request);
      await before?.(name);
      const { host: _, ...headers } = request.headers;
      const onward = httpsRequest(
        { ...kube.address, ca, method: request.method, path: request.url, headers },
        async (answer) => {
          const text = await bodyOf(answer);
          await after?.(name);
          response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] });
          response.end(text);
        },
      );
      onward.on('error', () => response.destroy());
      onward.end(body);
    }, certificate);
    const [host = '', port = ''] = server.host.split(':');
    const stop = stopper(
      () => server.close(),
      () => removeFolder(folder),
    );
    return { address: { host, port }, caFile: certificate.caFile, stop, [Symbol.asyncDispose]: stop };
  });
}

import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { tool } from '../../../tools/locate.ts';
import type { World } from './github.ts';
import { tokenOf } from './rest.ts';

/** Git's smart HTTP by its own `git http-backend` (a CGI program); pushing needs the right to write contents. */
export async function serveGit(
  world: World,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, name = '', rest = ''] = /^\/([^/]+\/[^/]+)\.git(\/.*)$/.exec(url.pathname) ?? [];
  const repository = world.repositories.get(name.toLowerCase());
  const token = tokenOf(world, request);
  const rights = repository && token?.rights(repository.name);
  if (repository === undefined || rights?.contents === undefined) {
    const status = token === undefined ? 401 : 404;
    response.writeHead(status, { 'www-authenticate': 'Basic realm="GitHub"' }).end();
    return;
  }
  const pushes = url.searchParams.get('service') === 'git-receive-pack' || rest === '/git-receive-pack';
  if (pushes && rights.contents !== 'write') {
    response.writeHead(403).end('Permission to the repository denied.\n');
    return;
  }
  const child = spawn(tool('git'), ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: dirname(repository.folder),
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      PATH_INFO: `/${repository.name.replace('/', '-')}.git${rest}`,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      REMOTE_USER: token?.login,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {});
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const output = Buffer.concat(chunks);
  const end = output.indexOf('\r\n\r\n');
  const headers = Object.fromEntries(
    output
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 1).trim(),
      ]),
  );
  const { status = '200', ...others } = headers;
  response.writeHead(Number.parseInt(status, 10), others).end(output.subarray(end + 4));
}

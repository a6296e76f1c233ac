import { createHash } from 'node:crypto';
import { serve } from './http.ts';
import { type Service, stopper } from './service.ts';

/** One version of a package, as `npm pack` makes it. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  readonly tarball: Buffer;
}

/** A registry of npm packages on loopback, which asks nobody who they are. */
export interface NpmRegistry extends Service {
  readonly url: string;
  /** Paths that were asked for. */
  readonly requests: readonly string[];
  /** Other bytes under the same name and version, with their own integrity: the registry lies as a whole. */
  replace(packed: NpmPackage): void;
}

/** SHA-512 as Subresource Integrity. */
export function integrityOf(bytes: Buffer): string {
  return `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
}

/** Serves the packument and the tarball of each package; 404 for all else. */
export async function startNpmRegistry(packages: readonly NpmPackage[]): Promise<NpmRegistry> {
  const served = new Map(packages.map((packed) => [packed.name, packed]));
  const requests: string[] = [];
  const server = await serve((request, response) => {
    const path = decodeURIComponent(request.url ?? '/');
    requests.push(path);
    const [name = '', file] = path.slice(1).split('/-/');
    const packed = served.get(name);
    if (packed === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    } else if (file === undefined) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(packument(packed, server.url)));
    } else {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(packed.tarball);
    }
  });
  const stop = stopper(() => server.close());
  return {
    url: `${server.url}/`,
    requests,
    replace: (packed) => void served.set(packed.name, packed),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** As far as npm reads it (npm registry docs, "package metadata"). */
function packument({ name, version, tarball }: NpmPackage, url: string): object {
  const dist = { tarball: `${url}/${name}/-/package-${version}.tgz`, integrity: integrityOf(tarball) };
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, dist } } };
}

import { isLoopbackHost } from '../http/loopback.ts';

const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'];

/**
 * One text for the spellings of a registry's host that need no name server to be told apart: case, a dot at the end, the
 * ports of HTTP and HTTPS, the names of Docker Hub, and those of this machine.
 */
export function canonicalHost(host: string): string {
  const url = URL.parse(`registry://${host.toLowerCase()}`);
  // A scheme with addresses of its own rules reads 127.1 as 127.0.0.1.
  const { hostname = host } = URL.parse(`http://${host}`) ?? {};
  const name = hostname.replace(/\.$/, '');
  const port = url?.port === '80' || url?.port === '443' ? '' : (url?.port ?? '');
  const known = DOCKER_HUB.includes(name) ? 'docker.io' : isLoopbackHost(name) ? 'localhost' : name;
  return port === '' ? known : `${known}:${port}`;
}

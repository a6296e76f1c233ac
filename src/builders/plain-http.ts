/** The host that a builder asked over HTTPS and that answered in plain HTTP, by what Go's client says of it. */
export function plainHttpHost(log: string): string | undefined {
  return /"https:\/\/([^/"\s]+)\/[^"]*": http: server gave HTTP response to HTTPS client/.exec(log)?.[1];
}

/** The lines of a buildkitd.toml that let BuildKit speak plain HTTP to a registry. */
function buildkitdLines(host: string): readonly string[] {
  return [`[registry.${JSON.stringify(host)}]`, '  http = true'];
}

/** How a builder of buildx gets these lines: its registries are configured where the daemon runs. `call` is buildx. */
export function buildkitAdvice(host: string, call: string): readonly string[] {
  return [
    `${host} serves plain HTTP, which BuildKit's own configuration has to allow, in buildkitd.toml:`,
    ...buildkitdLines(host),
    `docker-container: ${call} create --use --driver docker-container --config buildkitd.toml`,
    `kubernetes: ${call} create --use --driver kubernetes --config buildkitd.toml`,
    'remote: add the lines to the file that buildkitd starts with (/etc/buildkit/buildkitd.toml), then restart it',
  ];
}

/** How buildah gets a base from a registry that speaks plain HTTP, which the config has `allowed` or not. */
export function buildahAdvice(host: string, allowed: boolean): readonly string[] {
  if (!allowed)
    return [`If it serves plain HTTP on purpose: insecureRegistries: [${host}] in primitive.config.yaml`];
  return [
    `registries.conf of this machine has an entry of its own for ${host}, which decides; add to it: insecure = true`,
  ];
}

/** Advice to allow a login to a host that only the config marks as without TLS. */
export function loginAdvice(host: string): string {
  return `If the network between is yours: export PRIMITIVE_INSECURE_REGISTRIES=${host}`;
}

/** Nothing is downloaded, and what is compiled does not depend on the folder, so that Go finds it in its cache. */
export const GO_ENVIRONMENT = {
  GOWORK: 'off',
  GOPROXY: 'off',
  GOTOOLCHAIN: 'local',
  GOFLAGS: '-mod=readonly -trimpath -buildvcs=false',
};

/** A module that is not in the cache; undefined where all are. */
export function missingModule(text: string): string | undefined {
  return text
    .split('\n')
    .find((line) => /GOPROXY=off|module lookup disabled/.test(line))
    ?.trim();
}

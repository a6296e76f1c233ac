// Links and submodules that a change brings.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path/posix';
import { Refused, report } from './helm.mjs';

/** What Argo CD and the gate read. */
const DEPLOYED = ['.github/', 'argocd/', 'environments/', 'sources/'];

/**
 * Refuses what another repository than `root` has not: links that lead out of the repository, at which Argo CD stops for all
 * that it deploys from it (https://argo-cd.readthedocs.io/en/stable/operator-manual/upgrading/2.4-2.5/); links where files are deployed,
 * whose text those who own the folder of the link would not see change; submodules, which Argo CD checks out and the gate does not.
 */
export function refuseLinks(root, { charts }) {
  for (const path of pathsIn('.')) {
    const target = linkAt(path);
    if (target === undefined || target === linkAt(join(root, path))) continue;
    if (leadsOut(path, target)) {
      report(
        new Refused(
          `${path} is a link that leads out of the repository: Argo CD would stop at it, in all lanes`,
        ),
      );
    } else if ([...DEPLOYED, `${charts}/`].some((folder) => `${path}/`.startsWith(folder))) {
      report(new Refused(`${path} is a link; what is deployed is in plain files`));
    }
  }
  if (textAt('.gitmodules') !== undefined && textAt('.gitmodules') !== textAt(join(root, '.gitmodules')))
    report(
      new Refused(
        '.gitmodules has changed: Argo CD would deploy what is in a submodule, and the gate does not see it',
      ),
    );
}

/** Files and links in a folder, at any depth, sorted; no link is followed, so that none leads round in a circle. */
export function pathsIn(folder) {
  const found = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [join(folder, entry.name)];
    // Git has nothing of that name in a commit.
    return entry.name === '.git' ? [] : pathsIn(join(folder, entry.name));
  });
  return found.sort();
}

/** As Argo CD does, which takes each step of the way. */
function leadsOut(path, target) {
  if (isAbsolute(target)) return true;
  let place = dirname(path);
  return target.split('/').some((step) => {
    place = join(place, step);
    return place === '..' || place.startsWith('../');
  });
}

function linkAt(path) {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}

function textAt(path) {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(path, 'utf8');
}

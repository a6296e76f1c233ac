import { byKey } from '../../../core/order.ts';
import { languageByName, languageNamed, unreadSuffix } from '../../../languages/all.ts';
import { nearestName } from '../../../languages/nearest-name.ts';
import type { Config } from '../../../repository/config.ts';
import type { VerifyDocument } from '../document.ts';
import type { Subjects } from '../subjects.ts';
import { listed } from './policy.ts';

/**
 * Of what manifests name, what no import of the same primitive is about: an import says it at its own place. Of what leads
 * into a primitive, only an import that does so, too, says that.
 */
export function unusedOf(
  inManifests: readonly Subjects['import'][],
  imports: readonly Subjects['import'][],
): readonly Subjects['import'][] {
  if (inManifests.length === 0) return [];
  const used = usedIn(imports);
  const led = usedIn(imports.filter(({ owner }) => owner !== undefined));
  return inManifests.filter(({ primitive, specifier, language, owner }) => {
    const said = owner === undefined ? used : led;
    return !said.has(`${primitive?.id} ${language} ${specifier}`);
  });
}

/**
 * Imports without aliases and paths in settings of tools that lead into a primitive that code of the same primitive imports:
 * the import is reported, and once is enough.
 */
export function withoutUsedSettings(imports: readonly Subjects['import'][]): readonly Subjects['import'][] {
  if (!imports.some(({ mentioned }) => mentioned)) return imports;
  const keyOf = ({ primitive, owner }: Subjects['import']) => `${primitive?.id} ${owner?.id}`;
  const said = new Set(
    imports.filter(({ owner, mentioned }) => owner !== undefined && !mentioned).map(keyOf),
  );
  return imports.filter((one) => !(one.mentioned && one.path.includes('.config.') && said.has(keyOf(one))));
}

function usedIn(imports: readonly Subjects['import'][]): ReadonlySet<string> {
  const used = new Set<string>();
  for (const { primitive, specifier, language } of imports) {
    // All names above a package are used, too; where one is known, so are those above it.
    nearestName(specifier, languageNamed(language).separator, (name) => {
      const key = `${primitive?.id} ${language} ${name}`;
      const isKnown = used.has(key);
      used.add(key);
      return isKnown || undefined;
    });
  }
  return used;
}

/** Files that are data to whoever imports them. */
const DATA =
  /\.(?:json[5c]?|css|s[ac]ss|less|styl|pcss|svg|png|jpe?g|gif|webp|avif|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|ogg|wav|pdf|md|html?|txt|csv|ya?ml|toml|xml|graphql|gql|sql|proto|glsl|frag|vert|bpmn|dmn)$/i;

/** Files that TypeScript loads by a suffix of no language: Node.js takes such a file for code. */
export function unreadTargets(
  imports: readonly Subjects['import'][],
  files: ReadonlySet<string>,
): VerifyDocument['unchecked'] {
  const paths = imports.flatMap(({ language, mentioned, target }) =>
    language === 'ts' && !mentioned && target.type === 'path' && files.has(target.path) ? [target.path] : [],
  );
  return [...new Set(paths)]
    .filter((path) => /\.[^./]+$/.test(path) && !DATA.test(path))
    .filter((path) => languageByName(path) === undefined && unreadSuffix(path) === undefined)
    .sort()
    .map((path) => ({ what: `IMP of ${path}`, why: 'it is imported, and code in such files is not read' }));
}

/** Modules of which nothing can be said without what is installed: for each primitive, one line of what is not checked. */
export function unresolvedOf(
  imports: readonly Subjects['import'][],
  sdk: Config['imports']['sdk'],
): VerifyDocument['unchecked'] {
  const found = imports.filter(
    (one) =>
      one.primitive !== undefined &&
      one.target.type === 'package' &&
      one.target.known === 'unresolved' &&
      listed(one, sdk[one.language]) === undefined,
  );
  return [...Map.groupBy(found, ({ primitive }) => primitive?.path ?? '')].sort(byKey).map(([path, own]) => {
    const names = [...new Set(own.map(({ specifier }) => specifier))].sort();
    return {
      what: `IMP of ${path}: ${names.join(', ')}`,
      why: 'what these are is not known without what is installed',
    };
  });
}

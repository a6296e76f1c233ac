import { readFile } from 'node:fs/promises';
import type { Plugin } from 'rolldown';

/** As TypeScript compiles an import to CommonJS: `const ejs_1 = __importDefault(require("ejs"));` */
const REQUIRE = /^(?:const|var) (\w+_\d+) = (__import(?:Default|Star)\()?require\(("[^"]+")\)\)?;$/gm;

/** Stands for the package `wsl-utils`: the platform is what Node says it is. */
const NO_WSL = "export const isWsl = false; export const powerShellPath = async () => 'powershell.exe';";

const NO_WSL_ID = '\0no-wsl';
const OCLIF = /[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/;

/**
 * Lets oclif start quicker. Its modules load what they import when they first use it: it imports everything it may ever
 * need (templates, globbing, spinners, tables), of which one call needs little. It sorts commands without a collation.
 * And it does not look whether it runs in WSL, which it only wants for a user agent that we send nobody.
 */
export const quickOclif: Plugin = {
  name: 'quick-oclif',
  resolveId: (source) => (source === 'wsl-utils' ? NO_WSL_ID : undefined),
  async load(id) {
    if (id === NO_WSL_ID) return NO_WSL;
    return OCLIF.test(id) ? deferred(byCodeUnit(await readFile(id, 'utf8'))) : undefined;
  },
};

/** Command ids are ASCII: the first `localeCompare` of a process loads a collation, which takes longer than the manifest. */
function byCodeUnit(source: string): string {
  return source.replace('a.id.localeCompare(b.id)', '(a.id < b.id ? -1 : 1)');
}

/** Turns the imports into getters of one object, each replaced by what it loaded when it is first read. */
function deferred(source: string): string {
  const imports = [...source.matchAll(REQUIRE)];
  if (imports.length === 0) return source;
  const names = imports.map(([, name]) => name);
  const getters = imports.map(([, name, wrap, from]) => {
    const value = `${wrap ?? '('}require(${from}))`;
    return `get ${name}() { const value = ${value}; Object.defineProperty(lazy$, '${name}', { value }); return value; },`;
  });
  const rest = source
    .replace(REQUIRE, '')
    .replace(new RegExp(`\\b(${names.join('|')})\\.`, 'g'), 'lazy$.$1.');
  // Function declarations such as __importDefault are hoisted, constants are not: the object goes to the end of those.
  const at = rest.indexOf('Object.defineProperty(exports, "__esModule"');
  return `${rest.slice(0, at)}const lazy$ = {\n${getters.join('\n')}\n};\n${rest.slice(at)}`;
}

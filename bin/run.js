#!/usr/bin/env node
// Old syntax only and no static import: any Node must be able to parse this and read the refusal.
const [major, minor] = process.versions.node.split('.').map(Number);
const argv = process.argv.slice(2);
const json = argv.includes('--json');
const asked = argv.filter((word) => word !== '--json');

if (major < 22 || (major === 22 && minor < 12)) {
  const message = `primitive needs Node 22.12 or newer; this is ${process.versions.node}.`;
  const next = 'Install a current Node (https://nodejs.org) and run the same command again.';
  if (json) {
    const document = { schema: 'primitive.error/v1', code: 'node-too-old', message, why: null };
    console.log(
      JSON.stringify(
        Object.assign(document, {
          suggestions: [next],
          docs: 'primitive explain node-too-old',
          exit: 3,
          retryable: false,
        }),
        null,
        2,
      ),
    );
  } else {
    console.error(`Error: ${message}\n  Try: ${next}`);
  }
  process.exitCode = 3;
} else if (asked[0] === '--version' || asked[0] === '-v') {
  // Answered before anything is loaded: scripts ask for it all the time.
  const { version } = JSON.parse(
    process.getBuiltinModule('node:fs').readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  process.stdout.on('error', () => {});
  const host = `${process.platform}-${process.arch}`;
  process.stdout.write(
    json
      ? `${JSON.stringify({ schema: 'primitive.version/v1', version, node: process.versions.node, host }, null, 2)}\n`
      : `primitive ${version} (node ${process.versions.node}, ${host})\n`,
  );
} else {
  process.getBuiltinModule('node:module').enableCompileCache();
  import('../dist/cli.js').then(({ main }) => main(argv));
}

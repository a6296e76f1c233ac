import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parseSource } from '../../../../src/features/verify/imports/parse.ts';
import { infrastructureOf, listed } from '../../../../src/features/verify/imports/policy.ts';
import { isTest, LANGUAGE_IDS, languageNamed } from '../../../../src/languages/all.ts';
import { SourceTree } from '../../../../src/languages/source-tree.ts';
import { npmPackages } from '../../../../src/languages/typescript/npm-packages.ts';
import { memoryTree } from '../../../support/verify-corpus/tree.ts';

/** `specifier`, with `type ` where nothing is loaded, `?` where it is not known, and the names of Python's `from`. */
async function importsOf(path: string, text: string): Promise<readonly string[]> {
  const source = await parseSource(path, text);
  if (source === undefined || source.fault !== undefined) throw new Error(JSON.stringify(source));
  return source.imports.map(({ specifier = '?', typeOnly, names }) =>
    [...(typeOnly ? ['type'] : []), specifier, ...(names ?? [])].join(' '),
  );
}

describe('imports of Go', () => {
  test.each([
    ['package a\nimport "fmt"', ['fmt']],
    [
      'package a\nimport (\n\t"fmt"\n\t_ "embed"\n\t. "math"\n\tx "a.b/c" // x\n)',
      ['fmt', 'embed', 'math', 'a.b/c'],
    ],
    ['//go:build integration\n\npackage a\n\nimport "x.y/z"\n', ['x.y/z']],
    ['package a; import "fmt"; import ("os"; "io"); func f() {}', ['fmt', 'os', 'io']],
    ['package a\r\n\r\nimport (\r\n\t"fmt"\r\n)\r\n', ['fmt']],
    ['package a\nimport `raw.com/x`', ['raw.com/x']],
    ['package a\nimport "\\x66mt"', ['fmt']],
    ['package a\n// #include <stdio.h>\nimport "C"\nimport "os"', ['os']],
    ['package a\n// notes\u2028func\nimport "fmt"', ['fmt']],
    ['package a\n// notes\rfunc\nimport "fmt"', ['fmt']],
    ['package a\nimport "C"\nimport `fm\rt`', ['fmt']],
    [
      'package a\n\n// #include "../b/b.h"\n// #include <c.h>\n// #cgo LDFLAGS: -L../lib\nimport "C"',
      ['../b/b.h', '../lib'],
    ],
    [
      'package a\nimport _ "unsafe"\n\n//go:linkname f a.b/c.f\nfunc f()\n\n//go:linkname g',
      ['unsafe', 'a.b/c'],
    ],
    ['/*\nfunc in a comment\n*/\npackage a\n\nimport "fmt"\n', ['fmt']],
    ['package a\n// import "no"\n/* import "no" */\nvar s = `\nimport "no"\n`', []],
    ['package a\nimport "fmt"\nfunc f() { this is the business of the compiler', ['fmt']],
  ])('%j', async (text, expected) => {
    expect(await importsOf('a.go', text)).toEqual(expected);
  });
});

describe('imports of Python', () => {
  test.each([
    ['import os', ['os']],
    ['import os.path as p, sys', ['os.path', 'sys']],
    ['from a.b import c, d as e', ['a.b c d']],
    ['from . import x', ['. x']],
    ['from ...a import (\n  b,\n  c,\n)', ['...a b c']],
    ['from .. import *', ['..']],
    ['from __future__ import annotations', []],
    ['def f():\n    import lazy\n', ['lazy']],
    ['try:\n    import a\nexcept ImportError:\n    import b\n', ['a', 'b']],
    ['if x: import a; import b', ['a', 'b']],
    [
      'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\nelse:\n    import b\n',
      ['typing TYPE_CHECKING', 'type a', 'b'],
    ],
    ['import typing as t\nif t.TYPE_CHECKING:\n    from a import b\n', ['typing', 'type a b']],
    ['import importlib\nimportlib.import_module("a.b")', ['importlib', 'a.b']],
    [
      'from importlib import import_module as m, import_module\nimport_module("a")',
      ['importlib import_module import_module', 'a'],
    ],
    ['import_module(".x", package=__package__)', ['.x']],
    ['import_module(name=".x", package=__name__)', ['.x']],
    ['import_module(".x", "other")', ['?']],
    ['__import__("a" "b")', ['ab']],
    ['__import__(f"a{b}")', ['?']],
    ['import_module(name)', ['?']],
    ['# a\rimport b\r\nimport c', ['b', 'c']],
    ['import ｒequests\nfrom ａ．b import c'.replace('．', '.'), ['requests', 'a.b c']],
    ['# -*- coding: latin-1 -*-\nimport a', ['a']],
    ['#!/usr/bin/env python\n# vim: set fileencoding=utf8 :\nimport a', ['a']],
    ['import a\n# coding: rot13\n', ['a']],
    ['from importlib import import_module as load\nload("a")', ['importlib import_module', 'a']],
    ['import importlib as i\nload = i.import_module\nload(x)', ['importlib', '?']],
    ['import importlib\n(importlib.import_module)("a")', ['importlib', 'a']],
    ['getattr(importlib, "import_module")("\\x61")', ['a']],
    ['import_module("\\N{LATIN SMALL LETTER A}")', ['?']],
    ['pkgutil.resolve_name("a.b:c")', ['a.b']],
    ['runpy.run_path("../a.py")\nrunpy.run_path(path)', ['file:../a.py', '?']],
    ['spec_from_file_location("a", "b/a.py")', ['file:b/a.py']],
    ['pytest_plugins = "a"\n', ['a']],
    ['pytest_plugins = ["a", name]  # b', ['a', '?']],
    ['s = """\nimport no\n"""\n# import no\n', []],
    ['x = 1 \\\n  + 2\nfrom a \\\n  import b\r\n', ['a b']],
    ['match x:\n    case 1:\n        import a\ntype T = int\ndef f[T](x: T): ...\n', ['a']],
    ['print(f"{x!r:>{n}} {"import no"}")\nimport a', ['a']],
  ])('%j', async (text, expected) => {
    expect(await importsOf('a.py', text)).toEqual(expected);
  });
});

describe('imports of TypeScript', () => {
  test.each([
    ["import a from 'a';", ['a']],
    ["import 'a';", ['a']],
    ["import type { A } from 'a';", ['type a']],
    ["import { type A, type B } from 'a';", ['type a']],
    ["import { type A, b } from 'a';", ['a']],
    ["export { a } from './a.ts';", ['./a.ts']],
    ["export * as a from './a.ts'; export type * from './b.ts';", ['./a.ts', 'type ./b.ts']],
    ['const a = await import(`a`);', ['a']],
    ["const a = await import('./' + 'a.ts');", ['./a.ts']],
    ['const a = await import(name);', ['?']],
    [`const a = await import(\`./\${name}.ts\`);`, ['?']],
    ["const a = require('a'); require.resolve('b'); module.require('c'); require(d);", ['a', 'b', 'c', '?']],
    [
      "require?.('a'); (0, require)('b'); module['require']('c'); (require as any)('d');",
      ['a', 'b', 'c', 'd'],
    ],
    [
      "import { createRequire as make } from 'node:module'; const load = make(import.meta.url); load('a'); make(x)('b');",
      ['node:module', 'a', 'b'],
    ],
    [
      "const { require: a, 'x': b, ...c } = module; a('a'); b('no'); const [d, e] = [require]; d('b'); e('no');",
      ['a', 'b'],
    ],
    ["require.call(x, 'a'); require.apply(x, ['b']); require.apply(x, y); f.call(x, 'no');", ['a', 'b', '?']],
    ["const make = m['createRequire']; make(x)('a'); const { createRequire: c } = m; c(x)('b');", ['a', 'b']],
    ["let r; r = require; const s = r; s('a'); s.resolve('b'); t('no');", ['a', 'b']],
    ["process.getBuiltinModule('fs'); globalThis.process.getBuiltinModule(x);", ['fs', '?']],
    ["new URL('./a.ts', import.meta.url); new URL('a/b.ts', import.meta.url);", ['./a.ts', './a/b.ts']],
    ["new URL('https://a.b/c', import.meta.url); new URL('/a', import.meta.url); new URL('no', base);", []],
    [
      "import.meta.glob('./a/*.ts'); import.meta.glob(['../b/**', '!../c/**']); import.meta.glob(x);",
      ['./a', '../b', '?'],
    ],
    ["import.meta.resolve('a');", ['a']],
    ["/** @type {import('no').A} */\nconst a = 1;", []],
    ["import a = require('a'); import b = a.b;", ['a']],
    ["import type a = require('a');", ['type a']],
    ["let a: import('a').A; let b: typeof import('b');", ['type a', 'type b']],
    ['/// <reference path="../a.d.ts" />\n/// <reference types="node" />', ['type ../a.d.ts', 'type node']],
    ["// import 'no'\nconst s = `import 'no'`; const t = \"require('no')\";", []],
    ["import j from './a.json' with { type: 'json' };", ['./a.json']],
    ["@dec() class A { @dec x = 1; accessor y = 2; constructor(@Inject() z) {} }\nimport 'a';", ['a']],
    ["@dec export class A {}\nimport defer * as a from 'a';", ['a']],
    ['const a = <T,>(x: T) => <any>x; enum E { A }\nusing x = f();\nimport "a";', ['a']],
  ])('%j', async (text, expected) => {
    expect(await importsOf('a.ts', text)).toEqual(expected);
  });

  test('types in the comments of JavaScript', async () => {
    const text = `/**
 * @type {import('a').A | import("./b.js").B}
 * @import { C } from 'c'
 */
// import('no')
/* import('no') */`;
    expect(await importsOf('a.js', text)).toEqual(['type a', 'type ./b.js', 'type c']);
  });

  test.each(['a.tsx', 'a.jsx', 'a.js'])('JSX in %s', async (path) => {
    expect(
      await importsOf(path, "import a from 'a';\nexport const b = <a.b c={1}>import 'no'</a.b>;"),
    ).toEqual(['a']);
  });

  test('declarations in a.d.ts', async () => {
    expect(
      await importsOf('a.d.ts', "import { a } from 'a';\nexport declare const b: a;\nexport { missing };"),
    ).toEqual(['a']);
  });
});

describe('what cannot be read', () => {
  test.each([
    ['a.go', 'package a\nimport "fmt\n', 'syntax error'],
    ['a.py', 'import a\ndef (:\n', 'syntax error'],
    [
      'a.py',
      '# -*- coding: raw_unicode_escape -*-\n# \\u000aimport a\n',
      'it is in the encoding raw_unicode_escape, not in UTF-8',
    ],
    ['a.py', '\n# coding=utf-7\n', 'it is in the encoding utf-7, not in UTF-8'],
    ['a.ts', 'import {', 'Unexpected token'],
    ['a.ts', undefined, 'it is not text in UTF-8'],
    ['a.ts', `x=${'('.repeat(200_000)}`, 'it is nested too deeply'],
    ['a.py', 'a'.repeat(5_000_000), 'it has more than 4 Mi characters'],
  ])('%s', async (path, text, message) => {
    const source = await parseSource(path, text);
    expect(source).toMatchObject({ fault: { message } });
  });

  test('a file of another language has no imports to judge', async () => {
    expect(await parseSource('README.md', 'import a')).toBeUndefined();
    expect(await parseSource('node_modules/a/a.js', 'import a')).toBeUndefined();
  });

  test('a place is the line and column of the import', async () => {
    expect(await parseSource('a.py', 'x = "ü𝒳"; import a\n')).toEqual({
      language: 'python',
      imports: [{ specifier: 'a', typeOnly: false, line: 1, column: 12 }],
    });
  });
});

test.each([
  [
    'go',
    `modernc.org/sqlite github.com/ClickHouse/clickhouse-go/v2 go.etcd.io/etcd/client/v3 github.com/gomodule/redigo/redis
    github.com/Shopify/sarama github.com/gocql/gocql github.com/go-redis/redis/v8 github.com/microsoft/go-mssqldb
    github.com/elastic/go-elasticsearch/v8 github.com/neo4j/neo4j-go-driver/v5/neo4j github.com/uptrace/bun go.etcd.io/bbolt
    github.com/minio/minio-go/v7 github.com/streadway/amqp github.com/dgraph-io/badger/v4 github.com/sijms/go-ora/v2
    github.com/snowflakedb/gosnowflake cloud.google.com/go/datastore gocloud.dev/pubsub entgo.io/ent/dialect/sql`,
  ],
  [
    'ts',
    `postgres mysql mysql2/promise sqlite3 kysely aws-sdk/clients/s3 elasticsearch @elastic/elasticsearch pg-promise mssql
    tedious cassandra-driver neo4j-driver bullmq rhea memcached mariadb oracledb @libsql/client @nats-io/transport-node
    @clickhouse/client @azure/storage-blob @redis/client drizzle-orm/pg-core bun:sqlite`,
  ],
  [
    'python',
    `pymysql motor.motor_asyncio aiosqlite sqlmodel django.db.models clickhouse_connect aiomysql MySQLdb pymssql cassandra.cluster
    elasticsearch opensearchpy aiobotocore.session celery pymemcache.client neo4j oracledb pyodbc snowflake.connector duckdb
    google.cloud.bigtable azure.cosmos tortoise.models peewee etcd3 influxdb_client`,
  ],
] as const)('drivers that are infrastructure: %s', (language, text) => {
  const missed = text.split(/\s+/).filter((specifier) => {
    const target = { type: 'package', name: specifier, known: 'declared' } as const;
    const place = { path: 'a', line: 1, column: 1, primitive: undefined, shippedBy: [] };
    const found = {
      language,
      specifier,
      names: [],
      typeOnly: false,
      target,
      owner: undefined,
      proto: false,
      ...place,
    };
    return infrastructureOf(found, undefined) === undefined;
  });
  expect(missed).toEqual([]);
});

test('the page of IMP-005 names all infrastructure', async () => {
  const page = await readFile('src/features/verify/rules/IMP-005.md', 'utf8');
  const lists = LANGUAGE_IDS.map((id) => languageNamed(id).infrastructure);
  expect(lists.flat().filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  for (const list of lists) expect(list).toEqual([...list].sort());
});

test.each([
  ['go', 'log/slog', [], ['log', 'log/slog'], 'log/slog'],
  ['go', 'logging', [], ['log'], undefined],
  ['go', 'a.b/c/v2/d', [], ['a.b/c', 'a.b'], 'a.b/c'],
  ['ts', 'fs/promises', [], ['node:fs'], 'node:fs'],
  ['ts', 'node:http', [], ['http'], 'http'],
  ['ts', 'http/x', [], ['http'], undefined],
  ['ts', '@acme/a/b', [], ['@acme/a'], '@acme/a'],
  ['python', 'google.cloud', ['storage'], ['google.cloud.storage'], 'google.cloud.storage'],
  ['python', 'google.cloudy', ['storage'], ['google.cloud'], undefined],
] as const)('of a list, %s %s %j is %j: %s', (language, specifier, names, entries, expected) => {
  const target = { type: 'package', name: specifier, known: 'undeclared' } as const;
  const place = { path: 'a', line: 1, column: 1, primitive: undefined, shippedBy: [], owner: undefined };
  const found = { language, specifier, names, target, typeOnly: false, proto: false, ...place };
  expect(listed(found, entries)).toBe(expected);
});

test('a folder that has become a link is followed, whatever git still lists below it', async () => {
  const files = { 'a/b.go': '', 'other/b.go': '', c: { link: 'other' } };
  const before = await SourceTree.open(memoryTree(files), ['a/b.go', 'other/b.go']);
  expect(before.realPath('a/b.go')).toBe('a/b.go');
  expect(before.realPath('c/b.go')).toBe('other/b.go');
  const after = await SourceTree.open(memoryTree({ ...files, a: { link: 'other' } }), ['a/b.go']);
  expect(after.realPath('a/b.go')).toBe('other/b.go');
  expect(after.realPath('a')).toBe('other');
});

test('a dollar sign in the name of a file is nothing special to an alias', async () => {
  const files = { 'tsconfig.json': '{"compilerOptions":{"paths":{"@/*":["./src/*"]}}}', 'src/$$.ts': '' };
  const { resolverFor } = await npmPackages(await SourceTree.open(memoryTree(files), []), {
    primitivesFolder: 'primitives',
    isTest,
  });
  const resolve = await resolverFor('a.ts');
  expect(resolve('@/$$')).toEqual([{ type: 'path', path: 'src/$$.ts' }]);
});

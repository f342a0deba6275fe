import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const driver = fileURLToPath(new URL('../../../src/driver', import.meta.url))

/** What only looks. */
const readers = new Set(
  [
    'access',
    'accessSync',
    'existsSync',
    'lstat',
    'lstatSync',
    'readFile',
    'readFileSync',
    'readdir',
    'readdirSync',
  ].concat(
    ['readlink', 'readlinkSync', 'realpath', 'realpathSync', 'stat', 'statSync', 'statfsSync'],
    ['constants', 'type Stats'],
  ),
)

/** The names that a module imports from Node's file system. */
function importsOfFileSystem(source: string): string[] {
  return [...source.matchAll(/import \{([^}]*)\} from 'node:fs(?:\/promises)?'/g)].flatMap(([, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  )
}

test('nothing but the file operations changes the disk', () => {
  const others = readdirSync(driver).filter((name) => name !== 'file-operations.ts')
  const changes = others.flatMap((name) =>
    importsOfFileSystem(readFileSync(join(driver, name), 'utf8'))
      .filter((imported) => !readers.has(imported))
      .map((imported) => `${name}: ${imported}`),
  )
  expect(changes).toEqual([])
})

test('the check finds what changes the disk', () => {
  const source = "import { lstat, rm } from 'node:fs/promises'\nimport { openSync } from 'node:fs'\n"
  expect(importsOfFileSystem(source)).toEqual(['lstat', 'rm', 'openSync'])
})

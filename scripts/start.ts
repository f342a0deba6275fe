import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'

// `npm start`: everything on this machine, on the example declarations, in a git-ignored folder of its own.
const given = process.argv.slice(2)
const { values } = parseArgs({
  args: given,
  strict: false,
  options: { 'data-dir': { type: 'string', default: '.mooring' } },
})
const dataDirectory = String(values['data-dir'])
const pool = join(dataDirectory, 'pool')

if (!existsSync(pool)) {
  // One directory that was there before Mooring, with a file in it: the examples register it, take a
  // snapshot of it and restore that.
  const media = join(pool, 'volumes', 'shared-media')
  mkdirSync(media, { recursive: true })
  writeFileSync(join(media, 'hello.txt'), 'This file was here before Mooring.\n')
}

process.argv = [
  ...[process.execPath, 'mooring', 'up', 'manifests/examples', '--data-dir', dataDirectory],
  ...['--prune', '--prune-delay', '2s'],
  ...given,
]
await import('../src/main.ts')

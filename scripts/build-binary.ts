import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'

/**
 * `npm run build:binary`: Mooring as one executable file, by Node's single executable applications. A copy of Node has
 * the program in it as one script, and the files that the program reads as assets.
 */

const repository = fileURLToPath(new URL('..', import.meta.url))
const at = (path: string) => join(repository, path)

/** The mark that Node looks for, beside the name of the blob. Both are of Node. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
const blobName = 'NODE_SEA_BLOB'

const architectures = ['x64', 'arm64'] as const
type Architecture = (typeof architectures)[number]

const { values } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    out: { type: 'string', default: at('dist-binary') },
  },
})
execFileSync('npm', ['run', '--silent', 'dashboard:build'], {
  cwd: repository,
  stdio: ['ignore', 'ignore', 'inherit'],
})
const wanted = values.arch === 'all' ? architectures : values.arch.split(',').map(parseArchitecture)
for (const architecture of wanted) await build(architecture, values.out)

/** Whether this very Node runs there. */
function isOwn(architecture: Architecture): boolean {
  return process.platform === 'linux' && architecture === process.arch
}

function parseArchitecture(text: string): Architecture {
  const found = architectures.find((each) => each === text)
  if (found === undefined) throw new Error(`--arch ${text}: write ${architectures.join(', ')} or all`)
  return found
}

async function build(architecture: Architecture, folder: string): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'mooring-binary-'))
  try {
    const main = join(work, 'main.cjs')
    const thread = join(work, 'log-thread.cjs')
    await bundle(at('scripts/binary/entry.ts'), main)
    await bundle(at('src/server/state/log-thread.ts'), thread)
    const config = {
      main,
      output: join(work, 'blob'),
      disableExperimentalSEAWarning: true,
      // V8's cache is of one architecture: that of the Node which makes it.
      useCodeCache: isOwn(architecture),
      assets: assets(thread),
    }
    writeFileSync(join(work, 'config.json'), JSON.stringify(config))
    execFileSync(process.execPath, ['--experimental-sea-config', join(work, 'config.json')], {
      stdio: 'ignore',
    })
    mkdirSync(folder, { recursive: true })
    const binary = join(folder, `mooring-linux-${architecture}`)
    rmSync(binary, { force: true })
    copyFileSync(nodeOf(architecture, work), binary)
    // It complains of Node's own notes, whatever the blob.
    const blob = [binary, blobName, config.output, '--sentinel-fuse', fuse]
    execFileSync(at('node_modules/.bin/postject'), blob, { stdio: 'ignore' })
    chmodSync(binary, 0o755)
    process.stdout.write(`${binary}\n`)
  } finally {
    rmSync(work, { recursive: true })
  }
}

async function bundle(input: string, file: string): Promise<void> {
  const build = await rolldown({
    input,
    platform: 'node',
    onLog: (level, log, handle) => {
      if (level === 'warn') throw new Error(log.message)
      handle(level, log)
    },
  })
  await build.write({ file, format: 'cjs', codeSplitting: false, minify: true })
  await build.close()
}

/** What the program reads of its own package, by the names that it asks for. */
function assets(thread: string): Record<string, string> {
  const files = ['package.json', 'proto/csi.proto', ...globSync('dashboard/dist/**/*.*', { cwd: repository })]
  return { ...Object.fromEntries(files.map((file) => [file, at(file)])), 'log-thread.cjs': thread }
}

/** Node for an architecture: what npm ci brought, or the same version from its package in the registry. */
function nodeOf(architecture: Architecture, work: string): string {
  if (isOwn(architecture)) return process.execPath
  const name = `node-linux-${architecture}@${process.versions.node}`
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', name, '--json', '--pack-destination', work], { encoding: 'utf8' }),
  )
  execFileSync('tar', ['--extract', '--file', join(work, filename), '--directory', work])
  return join(work, 'package/bin/node')
}

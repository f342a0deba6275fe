import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { kubernetesTools } from './lib/kubernetes-tools.ts'
import { changelogFaults, releaseNotes, releaseUnreleased } from './lib/release/changelog.ts'
import { replaceVersion, versionPlaces, versionsIn } from './lib/release/version-files.ts'

/**
 * `npm run release -- prepare VERSION` writes a version into every file that repeats it, and dates the changelog.
 * `npm run release -- build` makes all that is published into a folder. Neither commits, tags or sends anything.
 */

const repository = fileURLToPath(new URL('..', import.meta.url))
process.chdir(repository)

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: 'dist-release' },
    arch: { type: 'string', default: 'all' },
    'allow-dirty': { type: 'boolean', default: false },
  },
})
const [verb = '', version = ''] = positionals
if (verb === 'prepare') prepare(version)
else if (verb === 'build') build(values.out)
else throw new Error('write: npm run release -- prepare VERSION, or npm run release -- build')

function prepare(next: string): void {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(next))
    throw new Error(`"${next}" is no version such as 1.2.0`)
  const changelog = readFileSync('CHANGELOG.md', 'utf8')
  writeFileSync('CHANGELOG.md', releaseUnreleased(changelog, next, new Date().toISOString().slice(0, 10)))
  for (const place of versionPlaces) {
    writeFileSync(place.file, replaceVersion(readFileSync(place.file, 'utf8'), place, next))
  }
  run('npm', ['run', '--silent', 'generate'])
  process.stdout.write(
    `Now commit it, then: git tag --sign v${next}. Push the tag, or run npm run release -- build.\n`,
  )
}

function build(folder: string): void {
  const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8'))
  const notes = releaseNotes(readFileSync('CHANGELOG.md', 'utf8'), version)
  const faults = [...changelogFaults(readFileSync('CHANGELOG.md', 'utf8')), ...strayVersions(version)]
  if (!values['allow-dirty'] && read('git', ['status', '--porcelain']) !== '')
    faults.push('the clone has changes that no commit has: commit them, or say --allow-dirty')
  if (faults.length > 0) throw new Error(faults.join('\n'))

  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  run('npm', ['pack', '--silent', '--pack-destination', folder])
  packChart(folder, version)
  run(process.execPath, ['scripts/build-binary.ts', '--arch', values.arch, '--out', folder])
  for (const name of binariesIn(folder)) {
    if (name.endsWith(`-${process.arch}`)) assertVersion(join(folder, name), version)
    writeFileSync(join(folder, `${name}.gz`), gzipSync(readFileSync(join(folder, name)), { level: 9 }))
    rmSync(join(folder, name))
  }
  writeFileSync(join(folder, `mooring-${version}.cdx.json`), read('npm', ['run', '--silent', 'sbom']))
  writeFileSync(join(folder, 'release-notes.md'), `${notes}\n`)
  writeFileSync(join(folder, 'SHA256SUMS'), checksums(folder))
  process.stdout.write(`${folder} holds the release ${version}:\n${filesIn(folder).join('\n')}\n`)
}

/** Helm gives the chart the name that npm gives the package. */
function packChart(folder: string, version: string): void {
  const work = join(folder, 'chart')
  run(kubernetesTools().helm, ['package', 'charts/mooring', '--destination', work])
  renameSync(join(work, `mooring-${version}.tgz`), join(folder, `mooring-chart-${version}.tgz`))
  rmSync(work, { recursive: true })
}

/** Places that name another version than package.json. */
function strayVersions(version: string): string[] {
  return versionPlaces.flatMap((place) =>
    versionsIn(readFileSync(place.file, 'utf8'), place)
      .filter((each) => each !== version)
      .map(
        (each) => `${place.file} names ${each} and package.json ${version}: run npm run release -- prepare`,
      ),
  )
}

function binariesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^mooring-linux-\w+$/.test(name))
}

function assertVersion(binary: string, version: string): void {
  const said = read(binary, ['--version']).trim()
  if (said !== version) throw new Error(`${binary} says that it is ${said}, and not ${version}`)
}

/** One line a file, as `sha256sum --check` reads them. */
function checksums(folder: string): string {
  return filesIn(folder)
    .map(
      (name) =>
        `${createHash('sha256')
          .update(readFileSync(join(folder, name)))
          .digest('hex')}  ${name}\n`,
    )
    .join('')
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

function run(command: string, parameters: readonly string[]): void {
  execFileSync(command, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function read(command: string, parameters: readonly string[]): string {
  return execFileSync(command, parameters, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  })
}

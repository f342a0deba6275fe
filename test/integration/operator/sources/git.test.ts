import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { silentLog } from '../../../../src/lib/log.ts'
import { createGitSource, type GitSourceOptions } from '../../../../src/operator/sources/git.ts'
import { parseGitAddress } from '../../../../src/operator/sources/git-address.ts'
import { explainGitFailure } from '../../../../src/operator/sources/git-command.ts'
import { prepareSigners } from '../../../../src/operator/sources/git-signers.ts'
import type { SourceContent } from '../../../../src/operator/sources/source.ts'
import { createUpstream, gitEnvironment } from '../../../helpers/git-repository.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

const volume = (name: string) => `---
apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: directories
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
`

function workplace() {
  const root = temporaryDirectory()
  const upstream = createUpstream(root)
  const directory = join(root, 'copy')
  return {
    root,
    upstream,
    directory,
    open(fragment = '', options: Partial<GitSourceOptions> = {}) {
      const source = createGitSource({
        address: parseGitAddress(`${upstream.url}${fragment}`),
        directory,
        pollMs: 3_600_000,
        environment: gitEnvironment,
        clock: systemClock,
        log: silentLog,
        ...options,
      })
      onTestFinished(() => source.close())
      return source
    },
  }
}

const declared = (content: SourceContent) =>
  content.declarations.map(({ place, name }) => `${place.file} ${name}`)
const problems = (content: SourceContent) =>
  content.problems.map(({ place, message }) => `${place.file}: ${message}`)

describe('a commit', () => {
  test('is named by every problem and warning in it, and by the declarations that it changed', async () => {
    const { upstream, open } = workplace()
    upstream.write('a.yaml', volume('a'))
    upstream.write('d.yaml', `${volume('one')}---\n${volume('two')}`)
    upstream.write('c.hcl', 'type = "csi"\ncolour = "red"\n')
    const first = upstream.push()
    const source = open()
    const before = await source.read()
    expect(before.commit).toBe(first)
    upstream.write('b.yaml', volume('b'))
    upstream.write('d.yaml', `${volume('one')}---\n${volume('two').replace('name: two', 'name: other')}`)
    const second = upstream.push()
    const content = await source.read()
    expect(content.commit).toBe(second)
    const { declarations, problems, warnings } = content
    expect([problems.length > 0, warnings.length]).toEqual([true, 1])
    for (const { place } of [...problems, ...warnings]) expect(place.commit).toBe(second)
    const commits = declarations.map(({ name, place }) => [name, place.commit])
    expect(commits).toEqual([
      ['a', first],
      ['b', second],
      ['one', first],
      ['other', second],
    ])
    // The same objects: nobody has to compare them again.
    for (const name of ['a', 'one'])
      expect(declarations.find((each) => each.name === name)).toBe(
        before.declarations.find((each) => each.name === name),
      )
  })

  test('is read from a branch and a folder or file of it, and nothing else of the repository', async () => {
    const { upstream, open } = workplace()
    upstream.write('prod/a.yaml', volume('a'))
    upstream.write('prod/deep/b.yaml', volume('b'))
    upstream.write('test/c.yaml', volume('c'))
    upstream.push()
    upstream.git('checkout', '--quiet', '-b', 'team/x')
    upstream.write('prod/a.yaml', volume('x'))
    upstream.push()
    expect(declared(await open('#main:prod').read())).toEqual(['a.yaml a', 'deep/b.yaml b'])
    expect(declared(await open('#team/x:/prod/').read())).toEqual(['a.yaml x', 'deep/b.yaml b'])
    expect(declared(await open('#main:test/c.yaml').read())).toEqual([' c'])
    expect(declared(await open().read())).toHaveLength(3)
  })

  test('after a force push takes the place of one that is no longer in the history', async () => {
    const { upstream, open } = workplace()
    upstream.write('a.yaml', volume('a'))
    upstream.push()
    upstream.write('a.yaml', volume('b'))
    upstream.push()
    const source = open()
    expect(declared(await source.read())).toEqual(['a.yaml b'])
    upstream.git('reset', '--quiet', '--hard', 'HEAD~1')
    const commit = upstream.push('--amend')
    const content = await source.read()
    expect(declared(content)).toEqual(['a.yaml a'])
    expect(content).toMatchObject({ evidence: { doubts: [] }, commit })
  })

  test('brings no history and no files with it', async () => {
    const { upstream, open, directory } = workplace()
    for (const name of ['a', 'b', 'c']) {
      upstream.write('a.yaml', volume(name))
      upstream.push()
    }
    await open().read()
    const count = execFileSync('git', ['rev-list', '--count', '--all'], {
      cwd: directory,
      env: gitEnvironment,
      encoding: 'utf8',
    })
    expect(count.trim()).toBe('1')
    expect(
      readdirSync(directory, { recursive: true }).filter((name) => String(name).endsWith('.yaml')),
    ).toEqual([])
  })
})

describe('the last good commit stays', () => {
  test('where the branch is deleted, until it is back', async () => {
    const { upstream, open } = workplace()
    upstream.write('a.yaml', volume('a'))
    upstream.push()
    const source = open('#main')
    await source.read()
    execFileSync('git', ['update-ref', '-d', 'refs/heads/main'], { cwd: upstream.bare, env: gitEnvironment })
    const content = await source.read()
    expect(declared(content)).toEqual(['a.yaml a'])
    expect(content.evidence.doubts).toHaveLength(1)
    expect(problems(content)).toEqual([expect.stringContaining("couldn't find remote ref refs/heads/main")])
    upstream.write('a.yaml', volume('b'))
    upstream.push()
    expect(declared(await source.read())).toEqual(['a.yaml b'])
  })

  test('where the folder is gone from the branch', async () => {
    const { upstream, open } = workplace()
    upstream.write('prod/a.yaml', volume('a'))
    upstream.push()
    const source = open('#main:prod')
    await source.read()
    upstream.remove('prod')
    upstream.push()
    const content = await source.read()
    expect(declared(content)).toEqual(['a.yaml a'])
    expect(problems(content)).toEqual([expect.stringMatching(/has no prod at commit [0-9a-f]{40}/)])
  })

  test('for a later process, with a lock that a killed git left', async () => {
    const { root, upstream, open, directory } = workplace()
    upstream.write('a.yaml', volume('a'))
    const commit = upstream.push()
    const first = open()
    await first.recorded?.(await first.read())
    await first.close()
    writeFileSync(join(directory, 'shallow.lock'), '')
    writeFileSync(join(directory, 'refs', 'mooring', 'fetched.lock'), '')
    execFileSync('mv', [upstream.bare, join(root, 'away')])
    const second = open()
    const content = await second.read()
    expect(declared(content)).toEqual(['a.yaml a'])
    expect(content).toMatchObject({ evidence: { doubts: [expect.anything()] }, commit })
    execFileSync('mv', [join(root, 'away'), upstream.bare])
    upstream.write('b.yaml', volume('b'))
    upstream.push()
    expect(declared(await second.read())).toEqual(['a.yaml a', 'b.yaml b'])
    expect(await second.read()).toMatchObject({ evidence: { doubts: [] }, problems: [] })
  })

  test('and without any, nothing is declared, and nothing is complete', async () => {
    const { open } = workplace()
    expect(await open('#nowhere').read()).toMatchObject({
      declarations: [],
      evidence: { doubts: [expect.anything()] },
    })
  })
})

describe('what a person names', () => {
  test.each<[string, (commits: { first: string; second: string }) => string, string]>([
    ['a branch', () => '#main', 'second'],
    ['a tag', () => '#v1', 'first'],
    ['an annotated tag', () => '#v2', 'second'],
    ['a ref', () => '#refs/tags/v1', 'first'],
    ['a commit', ({ first }) => `#${first}`, 'first'],
    ['a commit, and a folder of it', ({ second }) => `#${second}:prod`, 'inner'],
  ])('may be %s', async (_what, fragment, name) => {
    const { upstream, open } = workplace()
    upstream.write('a.yaml', volume('first'))
    upstream.write('prod/b.yaml', volume('inner'))
    const first = upstream.push()
    upstream.git('tag', 'v1')
    upstream.write('a.yaml', volume('second'))
    const second = upstream.push()
    upstream.git('tag', '--annotate', '--message', 'two', 'v2')
    upstream.git('push', '--quiet', '--tags', 'origin')
    const content = await open(fragment({ first, second })).read()
    expect(content).toMatchObject({ problems: [], evidence: { doubts: [] } })
    expect(content.declarations.map((each) => each.name)).toContain(name)
    if (name !== 'inner') expect(content.commit).toBe({ first, second }[name])
  })

  test('may be a repository whose hashes are SHA-256', async () => {
    const root = temporaryDirectory()
    const upstream = createUpstream(root, 'sha256')
    const directory = join(root, 'copy')
    const open = () => {
      const source = createGitSource({
        ...{ address: parseGitAddress(upstream.url), directory, pollMs: 3_600_000 },
        ...{ environment: gitEnvironment, clock: systemClock, log: silentLog },
      })
      onTestFinished(() => source.close())
      return source
    }
    upstream.write('a.yaml', volume('a'))
    upstream.write('b.yaml', volume('b'))
    upstream.push()
    const source = open()
    const content = await source.read()
    expect(content.commit).toMatch(/^[0-9a-f]{64}$/)
    expect(declared(content)).toEqual(['a.yaml a', 'b.yaml b'])
    await source.recorded?.(content)
    upstream.remove('b.yaml')
    upstream.push()
    expect((await source.read()).evidence.listing).toMatchObject({ removed: new Set(['b.yaml']) })
    await source.close()
    expect(declared(await open().read())).toEqual(['a.yaml a'])
  })
})

describe('the copy on this machine', () => {
  test.each<[string, (directory: string) => void]>([
    [
      'has objects that are cut off',
      (directory) => {
        for (const name of readdirSync(join(directory, 'objects', 'pack'))) {
          const path = join(directory, 'objects', 'pack', name)
          chmodSync(path, 0o600)
          truncateSync(path, 10)
        }
        for (const folder of readdirSync(join(directory, 'objects')).filter((name) => name.length === 2)) {
          for (const name of readdirSync(join(directory, 'objects', folder))) {
            const path = join(directory, 'objects', folder, name)
            chmodSync(path, 0o600)
            truncateSync(path, 3)
          }
        }
      },
    ],
    ['has no HEAD', (directory) => rmSync(join(directory, 'HEAD'))],
    ['has no settings', (directory) => writeFileSync(join(directory, 'config'), '[core\n')],
    ['has a broken ref', (directory) => writeFileSync(join(directory, 'refs', 'mooring', 'fetched'), 'x')],
  ])('is fetched again where it %s', async (_what, damage) => {
    const { upstream, open, directory } = workplace()
    upstream.write('a.yaml', volume('a'))
    upstream.push()
    const first = open()
    await first.recorded?.(await first.read())
    await first.close()
    damage(directory)
    const second = open()
    const content = await second.read()
    expect(problems(content)).toEqual([])
    expect(declared(content)).toEqual(['a.yaml a'])
    await second.recorded?.(content)
    await second.close()
    upstream.write('a.yaml', volume('b'))
    upstream.push()
    expect(declared(await open().read())).toEqual(['a.yaml b'])
  })

  test('may begin with what another copy has recorded, and writes nothing there', async () => {
    const { root, upstream, open, directory } = workplace()
    upstream.write('a.yaml', volume('a'))
    upstream.write('b.yaml', volume('b'))
    upstream.push()
    const first = open()
    await first.recorded?.(await first.read())
    upstream.remove('b.yaml')
    upstream.push()
    const before = readdirSync(directory, { recursive: true }).sort()
    const beside = open('', { directory: join(root, 'beside'), earlier: directory })
    expect((await beside.read()).evidence.listing).toMatchObject({ removed: new Set(['b.yaml']) })
    expect(readdirSync(directory, { recursive: true }).sort()).toEqual(before)
    const alone = open('', { directory: join(root, 'alone'), earlier: join(root, 'nowhere') })
    expect((await alone.read()).evidence.listing).toMatchObject({ removed: new Set() })
  })

  test('loses what a killed git left', async () => {
    const { upstream, open, directory } = workplace()
    upstream.write('a.yaml', volume('a'))
    upstream.push()
    const first = open()
    await first.read()
    await first.close()
    mkdirSync(join(directory, 'objects', 'pack'), { recursive: true })
    writeFileSync(join(directory, 'objects', 'pack', 'tmp_pack_abc'), 'x')
    writeFileSync(join(directory, 'objects', 'tmp_obj_abc'), 'x')
    await open().read()
    const names = readdirSync(directory, { recursive: true }).map(String)
    expect(names.filter((name) => name.includes('tmp_'))).toEqual([])
  })
})

test('a commit with more files than one source may have is a failure that says so', async () => {
  const { upstream, open } = workplace()
  upstream.write('a.yaml', volume('a'))
  upstream.push()
  const source = open()
  const before = await source.read()
  const blob = upstream.git('hash-object', '-w', 'a.yaml')
  const entries = Array.from({ length: 200_001 }, (_, index) => `100644 blob ${blob}\t${index}.txt\n`).join(
    '',
  )
  const work = join(upstream.bare, '..', 'work')
  const tree = execFileSync('git', ['mktree'], { cwd: work, input: entries, encoding: 'utf8' }).trim()
  const commit = upstream.git('commit-tree', '-p', 'HEAD', '-m', 'many', tree)
  upstream.git('push', '--quiet', 'origin', `${commit}:refs/heads/main`)
  const content = await source.read()
  expect(problems(content)).toEqual([expect.stringContaining('too many files: read a folder of it')])
  expect(content.commit).toBe(before.commit)
  expect(content.evidence.doubts).toMatchObject([{ file: '' }])
})

describe('a failure', () => {
  test('is shown by its cause, and not by how far git came', () => {
    const progress = Array.from(
      { length: 90 },
      (_, percent) => `remote: Compressing objects: ${percent}% (1/2)\r`,
    )
    const text = [
      'exit status 128',
      ...progress,
      'remote: Enumerating objects: 5, done.',
      'Receiving objects:  20% (1/5)',
      'remote: your key has expired',
      'fatal: early EOF',
    ].join('\n')
    expect(explainGitFailure(new Error(text))).toBe('fatal: early EOF; remote: your key has expired')
  })
})

describe('what git is told', () => {
  test.each(['git+https://me:pa55word@127.0.0.1:1/a.git', 'git+ssh://me:pa55word@127.0.0.1:1/a.git'])(
    'is in no message with a password, and nothing else of this process’s environment harms it: %s',
    async (address) => {
      const { open, directory } = workplace()
      const environment = {
        ...gitEnvironment,
        GIT_DIR: '/nonexistent',
        EDITOR: 'false',
        SSH_ASKPASS: 'false',
      }
      const content = await open('', { address: parseGitAddress(address), environment }).read()
      expect(problems(content)).toEqual([expect.stringMatching(/127\.0\.0\.1.*(?:connect|refused)/i)])
      expect(JSON.stringify(content)).not.toContain('pa55word')
      expect(readFileSync(join(directory, 'config'), 'utf8')).not.toMatch(/pa55word|127/)
    },
  )
})

describe('a hostile repository', () => {
  test('reaches nothing outside of it by links, and links within it are followed once', async () => {
    const { root, upstream, open } = workplace()
    writeFileSync(join(root, 'outside.yaml'), volume('outside'))
    mkdirSync(join(root, 'beyond'))
    writeFileSync(join(root, 'beyond', 'b.yaml'), volume('beyond'))
    upstream.write('prod/a.yaml', volume('a'))
    upstream.write('common/c.yaml', volume('c'))
    upstream.link('../common', 'prod/common')
    upstream.link('../common/c.yaml', 'prod/again.yaml')
    upstream.link('..', 'prod/up')
    upstream.link('.', 'prod/self')
    upstream.link(join(root, 'outside.yaml'), 'prod/absolute.yaml')
    upstream.link('../../../outside.yaml', 'prod/relative.yaml')
    upstream.link(join(root, 'beyond'), 'prod/beyond')
    upstream.link('ünowhere\nnothing', 'prod/dangling.yaml')
    upstream.push()
    const content = await open('#main:prod').read()
    expect(declared(content)).toEqual(['a.yaml a', 'again.yaml c'])
    expect(problems(content)).toEqual(
      ['absolute', 'dangling', 'relative'].map((name) =>
        expect.stringContaining(`${name}.yaml: is a link that leads out of the repository`),
      ),
    )
    expect(content.warnings.map(({ place }) => place.file)).toContain('beyond')
  })

  test('runs nothing: no hook, no filter, no submodule', async () => {
    const { root, upstream, open, directory } = workplace()
    const witness = join(root, 'it-ran')
    upstream.write('.gitattributes', '*.yaml filter=evil\n')
    upstream.write(
      '.gitmodules',
      `[submodule "m"]\n\tpath = m\n\turl = ext::touch ${witness}\n\tupdate = !touch ${witness}\n`,
    )
    upstream.write('a.yaml', volume('a'))
    const first = upstream.push()
    upstream.git('update-index', '--add', '--cacheinfo', `160000,${first},m`)
    upstream.git('commit', '--quiet', '--message', 'submodule')
    upstream.git('push', '--quiet', 'origin', 'HEAD')
    const settings = join(root, 'gitconfig')
    const hooks = join(root, 'hooks')
    mkdirSync(hooks)
    for (const hook of ['reference-transaction', 'post-checkout', 'post-merge'])
      writeFileSync(join(hooks, hook), `#!/bin/sh\ntouch ${witness}\n`, { mode: 0o755 })
    writeFileSync(
      settings,
      `[core]\n\thooksPath = ${hooks}\n[filter "evil"]\n\tsmudge = touch ${witness}\n\trequired = true\n`,
    )
    const content = await open('', { environment: { ...gitEnvironment, GIT_CONFIG_GLOBAL: settings } }).read()
    expect(declared(content)).toEqual(['a.yaml a'])
    expect(content.evidence.doubts).toEqual([])
    expect(content.warnings).toMatchObject([
      { place: { file: 'm' }, message: expect.stringContaining('submodule') },
    ])
    expect(existsSync(witness)).toBe(false)
    expect(existsSync(join(directory, 'modules'))).toBe(false)
  })

  test('has names of every kind, and its contents are what they are', async () => {
    const { upstream, open } = workplace()
    const names = [
      'with space.yaml',
      'tab\tin.yaml',
      'line\nbreak.yaml',
      '"quoted".yaml',
      'ü.yaml',
      '-x.yaml',
      ':(top)a.yaml',
    ]
    for (const [index, name] of names.entries()) upstream.write(name, `# ü\n${volume(`v${index}`)}`)
    upstream.push()
    const content = await open().read()
    expect(content.declarations.map(({ place }) => place.file).sort()).toEqual([...names].sort())
    expect(content.evidence.doubts).toEqual([])
  })
})

describe('signed commits alone', () => {
  /** A key, and what makes git sign with it. */
  function createKey(root: string, name: string) {
    const file = join(root, name)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file])
    return {
      allowed: `test@example.org ${readFileSync(`${file}.pub`, 'utf8')}`,
      sign: (upstream: ReturnType<typeof createUpstream>) => {
        upstream.git('config', 'gpg.format', 'ssh')
        upstream.git('config', 'user.signingKey', file)
      },
    }
  }

  test('by a given SSH key count; others leave the last good commit', async () => {
    const { root, upstream, open } = workplace()
    const [ours, foreign] = [createKey(root, 'ours'), createKey(root, 'foreign')]
    const allowedSignersFile = join(root, 'allowed')
    writeFileSync(allowedSignersFile, ours.allowed)
    const signers = await prepareSigners({ allowedSignersFile, directory: join(root, 'keys') })
    const push = (name: string, ...parameters: string[]) => {
      upstream.write('a.yaml', volume(name))
      return upstream.push(...parameters)
    }
    ours.sign(upstream)
    push('unsigned')
    const first = open('', { signers })
    expect(await first.read()).toMatchObject({ declarations: [], evidence: { doubts: [expect.anything()] } })

    const good = push('signed', '--gpg-sign')
    const signed = await first.read()
    expect(declared(signed)).toEqual(['a.yaml signed'])
    await first.recorded?.(signed)

    foreign.sign(upstream)
    const bad = push('foreign', '--gpg-sign')
    const content = await first.read()
    expect(declared(content)).toEqual(['a.yaml signed'])
    expect(content).toMatchObject({ evidence: { doubts: [expect.anything()] }, commit: good })
    expect(problems(content)).toEqual([expect.stringContaining(`commit ${bad} has no good signature`)])
    await first.close()

    // A later process keeps the good one as well, but not where its key no longer counts.
    expect(await open('', { signers }).read()).toMatchObject({
      evidence: { doubts: [expect.anything()] },
      commit: good,
    })
    writeFileSync(allowedSignersFile, createKey(root, 'new').allowed)
    expect(await open('', { signers }).read()).toMatchObject({
      declarations: [],
      evidence: { doubts: [expect.anything()] },
    })
  })

  const hasGpg = (() => {
    try {
      execFileSync('gpg', ['--version'])
      return true
    } catch {
      return false
    }
  })()

  test.skipIf(!hasGpg)('by a given OpenPGP key count (where this machine has gpg)', async () => {
    const { root, upstream, open } = workplace()
    const home = join(root, 'home')
    mkdirSync(home, { mode: 0o700 })
    const gpg = (...parameters: string[]) =>
      execFileSync(
        'gpg',
        [
          '--homedir',
          home,
          '--batch',
          '--quiet',
          '--pinentry-mode',
          'loopback',
          '--passphrase',
          '',
          ...parameters,
        ],
        { stdio: ['ignore', 'pipe', 'ignore'] },
      )
    onTestFinished(() => void execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']))
    for (const name of ['ours', 'foreign']) {
      gpg('--quick-generate-key', `${name}@example.org`, 'ed25519', 'sign', 'never')
    }
    const keyringFile = join(root, 'keyring.asc')
    writeFileSync(keyringFile, gpg('--armor', '--export', 'ours@example.org'))
    const signers = await prepareSigners({ keyringFile, directory: join(root, 'keys') })
    const wrapper = join(root, 'gpg-of-the-test')
    writeFileSync(wrapper, `#!/bin/sh\nexec gpg --homedir '${home}' "$@"\n`, { mode: 0o755 })
    upstream.git('config', 'gpg.program', wrapper)
    const source = open('', { signers })
    upstream.write('a.yaml', volume('good'))
    const good = upstream.push('--gpg-sign=ours@example.org')
    expect(await source.read()).toMatchObject({ evidence: { doubts: [] }, commit: good })
    upstream.write('a.yaml', volume('bad'))
    upstream.push('--gpg-sign=foreign@example.org')
    expect(await source.read()).toMatchObject({ evidence: { doubts: [expect.anything()] }, commit: good })
  })

  test.each([
    ['is not there', undefined],
    ['is empty', ''],
  ])('cannot be asked for by a file that %s', async (_what, text) => {
    const root = temporaryDirectory()
    const allowedSignersFile = join(root, 'allowed')
    if (text !== undefined) writeFileSync(allowedSignersFile, text)
    await expect(prepareSigners({ allowedSignersFile, directory: root })).rejects.toThrow(
      expect.objectContaining({ name: 'UsageError' }),
    )
  })
})

describe('a repository that is watched', () => {
  test('is looked at when it is woken, long before its poll', async () => {
    const { upstream, open } = workplace()
    upstream.push()
    const source = open()
    const listener = vi.fn()
    source.onChange(listener)
    await vi.waitFor(() => expect(listener).toHaveBeenCalled(), { timeout: 10_000 })
    upstream.write('a.yaml', volume('a'))
    upstream.push()
    expect(declared(await source.read())).toEqual([])
    listener.mockClear()
    source.wake()
    await vi.waitFor(() => expect(listener).toHaveBeenCalled(), { timeout: 10_000 })
    expect(declared(await source.read())).toEqual(['a.yaml a'])
  })

  test('that hangs holds up no reading after the first, and ends when it is closed', async () => {
    const { root, upstream, open } = workplace()
    upstream.write('a.yaml', volume('a'))
    upstream.push()
    const source = open()
    source.onChange(() => {})
    await source.read()
    // A pipe in the place of a file that upload-pack reads: opening it waits for a writer.
    execFileSync('mv', [join(upstream.bare, 'HEAD'), join(root, 'HEAD')])
    execFileSync('mkfifo', [join(upstream.bare, 'HEAD')])
    source.wake()
    expect(declared(await source.read())).toEqual(['a.yaml a'])
    await source.close()
  })
})

import { createHmac } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { VolumeStub } from '../../src/wire/volume.ts'
import { createUpstream, gitEnvironment } from '../helpers/git-repository.ts'
import { startMooring } from '../helpers/mooring-process.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const volume = (name: string, parameter = 'x') => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: directories
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
  secrets: {note: {fromEnv: MOORING_SECRET_NOTE}}
  # ${parameter}
`
const secret = 'pa55word-of-a-specification'
const specification = (id: string, value = secret) => `# as nomad volume create takes it
id        = "${id}"
name      = "${id}"
type      = "csi"
plugin_id = "directories"
capacity_min = "1MiB"
capability {
  access_mode     = "single-node-writer"
  attachment_mode = "file-system"
}
secrets {
  key = "${value}"
}
`

async function startUp(root: string, sources: readonly string[], flags: readonly string[] = []) {
  const dataDirectory = join(root, 'data')
  const mooring = startMooring(
    ['up', ...sources, '--data-dir', dataDirectory, '--http', '127.0.0.1:0', '--output', 'log', ...flags],
    { ...gitEnvironment, MOORING_SECRET_NOTE: 'note', MOORING_SECRET_B_NOTE: 'note' },
  )
  const [, url = ''] = await mooring.printed(/^Volumes API\s+(http:\S+)\/v1\/volumes/)
  return {
    ...mooring,
    dataDirectory,
    ids: async () => {
      const response = await fetch(`${url}/v1/volumes?type=csi`)
      return ((await response.json()) as VolumeStub[]).map(({ ID }) => ID).sort()
    },
    async stop() {
      mooring.signal('SIGTERM')
      expect(await mooring.exited()).toBe(0)
    },
  }
}

/** The text of every file beneath a folder. */
function allText(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n')
}

describe('mooring up', () => {
  test('serves Nomad’s own specification files, and their secrets reach the plugin’s calls alone', async () => {
    const root = temporaryDirectory()
    const folder = join(root, 'declared')
    mkdirSync(folder)
    writeFileSync(join(folder, 'orders.volume.hcl'), specification('orders'))
    writeFileSync(join(folder, 'web.nomad.hcl'), 'job "web" {\n  type = "service"\n}\n')
    const mooring = await startUp(root, [folder])
    const ready = (count: number) =>
      mooring.logged(
        () =>
          mooring.log.filter(({ key, state }) => key === 'Volume/default/orders' && state === 'ready')
            .length >= count,
        'the volume is ready',
      )
    await ready(1)
    expect(await mooring.ids()).toEqual(['orders'])

    // Another secret is an update, at once; the same one after a restart is none.
    writeFileSync(join(folder, 'orders.volume.hcl'), specification('orders', `${secret}-2`))
    await mooring.logged(({ step }) => step === 'update-volume', 'the secret is updated')
    await mooring.stop()
    const again = await startUp(root, [folder])
    await again.logged(({ key, state }) => key === 'Volume/default/orders' && state === 'ready', 'ready')
    expect(again.log.filter(({ step }) => step !== undefined)).toEqual([])
    await again.stop()

    // The server has to keep them, as Nomad does; the operator never does.
    expect(allText(join(again.dataDirectory, 'operator'))).not.toContain(secret)
    expect(JSON.stringify([mooring.log, again.log, mooring.output, again.output])).not.toContain(secret)
  })

  test('applies a secret whose file has changed, once, though nothing that is declared did', async () => {
    const root = temporaryDirectory()
    const [folder, secrets] = [join(root, 'declared'), join(root, 'secrets')]
    mkdirSync(folder)
    mkdirSync(secrets)
    writeFileSync(join(secrets, 'note'), 'first-value-of-a-secret')
    writeFileSync(
      join(folder, 'a.yaml'),
      volume('a').replace('fromEnv: MOORING_SECRET_NOTE', 'fromFile: note'),
    )
    const flags = ['--secrets-dir', secrets, '--rescan', '300ms', '--resync', '1h']
    const mooring = await startUp(root, [folder], flags)
    const count = (matches: (line: (typeof mooring.log)[number]) => boolean) =>
      mooring.log.filter(matches).length
    const ready = (times: number) =>
      vi.waitFor(() => expect(count(({ state }) => state === 'ready')).toBe(times), { timeout: 30_000 })
    await ready(1)
    for (const [index, value] of ['second-value-of-a-secret', 'third-value-of-a-secret'].entries()) {
      writeFileSync(join(secrets, 'note'), value)
      await ready(index + 2)
      expect(count(({ step }) => step === 'update-volume')).toBe(index + 1)
    }
    await mooring.stop()
    expect(allText(join(mooring.dataDirectory, 'operator'))).not.toContain('value-of-a-secret')
    expect(JSON.stringify([mooring.log, mooring.output])).not.toContain('value-of-a-secret')
  })

  test('reads a folder and a Git repository at once, woken by a signed call, and names the source (nomad#11195)', async () => {
    const root = temporaryDirectory()
    const folder = join(root, 'declared')
    mkdirSync(folder)
    writeFileSync(join(folder, 'local.yaml'), volume('local'))
    const upstream = createUpstream(root)
    upstream.write('volumes/remote.yaml', volume('remote'))
    upstream.write('volumes/local.yaml', volume('local'))
    upstream.push()
    const secretFile = join(root, 'webhook-secret')
    writeFileSync(secretFile, 'shared\n')
    const source = `${upstream.url}#main:volumes`
    const mooring = await startUp(
      root,
      [folder, source],
      ['--git-poll', '1h', '--rescan', '1h', '--webhook', '127.0.0.1:0', '--webhook-secret-file', secretFile],
    )
    await vi.waitFor(async () => expect(await mooring.ids()).toEqual(['local', 'remote']), {
      timeout: 20_000,
    })
    const refused = await mooring.logged(({ msg }) => msg === 'declaration refused', 'the second is refused')
    expect(refused.why).toContain(`${source}/local.yaml`)
    expect(refused.why).toContain(`${folder}/local.yaml`)

    upstream.write('volumes/pushed.hcl', specification('pushed'))
    const commit = upstream.push()
    const { url } = await mooring.logged(({ msg }) => msg === 'webhook listens', 'the webhook listens')
    const signature = createHmac('sha256', 'shared').update('{}').digest('hex')
    const response = await fetch(String(url), {
      method: 'POST',
      body: '{}',
      headers: { 'x-hub-signature-256': `sha256=${signature}` },
    })
    expect(response.status).toBe(202)
    await mooring.logged((line) => line.msg === 'commit read' && line.commit === commit, 'the commit is read')
    await vi.waitFor(async () => expect(await mooring.ids()).toEqual(['local', 'pushed', 'remote']), {
      timeout: 20_000,
    })
    await mooring.stop()
  })

  test.each<[string, (root: string) => string[], RegExp, 1 | 2]>([
    ['a source twice', (root) => [root, root], /is given twice/, 2],
    [
      'a repository that is no address',
      () => ['git+http://me:pa55@host/x'],
      /a Git repository is git\+https/,
      1,
    ],
    ['a variable without a value', (root) => [root, '--var', 'NAME'], /write NAME=value/, 2],
    ['a webhook without a secret', (root) => [root, '--webhook', '127.0.0.1:0'], /go together/, 2],
    [
      'a file of keys that is not there',
      (root) => [root, '--git-allowed-signers', join(root, 'none')],
      /cannot be read/,
      1,
    ],
  ])('refuses %s', async (_what, parameters, message, status) => {
    const root = temporaryDirectory()
    const mooring = startMooring([
      ...[
        'up',
        ...parameters(root),
        '--data-dir',
        join(root, 'data'),
        '--http',
        '127.0.0.1:0',
        '--output',
        'log',
      ],
    ])
    await mooring.printed(message)
    expect(await mooring.exited()).toBe(status)
    expect(JSON.stringify([mooring.log, mooring.output])).not.toContain('pa55')
  })

  test('lets a limited source declare and refer to what it may use, and nothing of another source', async () => {
    const root = temporaryDirectory()
    const [platform, team] = [join(root, 'platform'), join(root, 'team-b')]
    for (const folder of [platform, team]) mkdirSync(folder)
    writeFileSync(join(platform, 'own.yaml'), volume('platform-data'))
    const limited = volume('team-data').replace('MOORING_SECRET_NOTE', 'MOORING_SECRET_B_NOTE')
    writeFileSync(join(team, 'own.yaml'), limited)
    writeFileSync(join(team, 'secret.yaml'), volume('thief'))
    writeFileSync(
      join(team, 'volume.yaml'),
      limited
        .replace('team-data', 'borrowed')
        .replace('capabilities', 'externalID: platform-data\n  capabilities'),
    )
    writeFileSync(
      join(team, 'namespace.yaml'),
      limited.replace('team-data', 'elsewhere').replace('capabilities', 'namespace: prod\n  capabilities'),
    )
    const flags = [
      ...['--allow-namespaces', `${team}=default`, '--allow-plugins', `${team}=directories`],
      ...['--allow-external-ids', `${team}=`, '--allow-secrets', `${team}=env:MOORING_SECRET_B_*`],
    ]
    const mooring = await startUp(root, [platform, team], flags)
    await vi.waitFor(async () => expect(await mooring.ids()).toEqual(['platform-data', 'team-data']), {
      timeout: 20_000,
    })
    const refused = (file: string, field: string) =>
      mooring.logged(
        (line) => String(line.at).includes(join(team, file)) && line.field === field,
        `${file} is refused`,
      )
    await refused('secret.yaml', 'spec.secrets.note')
    await refused('volume.yaml', 'spec.externalID')
    await refused('namespace.yaml', 'spec.namespace')
    expect(await mooring.ids()).toEqual(['platform-data', 'team-data'])
    await mooring.stop()
  })
})

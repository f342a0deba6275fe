import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { startTestServer } from '../../fakes/api-server.ts'
import { startMooring } from '../../helpers/mooring-process.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const create = (aclFile: string, ...flags: string[]) =>
  startMooring(['server', 'token', 'create', '--acl-file', aclFile, '--name', 'test', ...flags])

it('a token that is made while the server runs is taken, and only its hash is stored', async () => {
  const aclFile = join(temporaryDirectory(), 'acl.json')
  writeFileSync(aclFile, JSON.stringify({ policies: { readers: { plugin: { policy: 'read' } } } }), {
    mode: 0o640,
  })
  const server = await startTestServer({ aclFile })
  try {
    const [, secret = ''] = await create(aclFile, '--policy', 'readers', '--ttl', '1h').printed(
      /Secret ID +=\s(\S+)/,
    )
    await vi.waitFor(
      async () => {
        const answer = await server.call('GET', '/v1/plugins?type=csi', undefined, {
          'x-nomad-token': secret,
        })
        expect(answer.status).toBe(200)
      },
      { timeout: 10_000 },
    )
    expect(readFileSync(aclFile, 'utf8')).not.toContain(secret)
    expect(statSync(aclFile).mode & 0o777).toBe(0o640)
  } finally {
    await server.dispose()
  }
})

it('the first token makes the file, for its owner alone', async () => {
  const aclFile = join(temporaryDirectory(), 'acl.json')
  expect(await create(aclFile, '--management').exited()).toBe(0)
  expect(statSync(aclFile).mode & 0o777).toBe(0o600)
})

it.each([
  [['--policy', 'nobody'], /no policy "nobody"/],
  [[], /give --policy/],
])('%j is refused, and the file stays as it was', async (flags, said) => {
  const aclFile = join(temporaryDirectory(), 'acl.json')
  writeFileSync(aclFile, '{}')
  const command = create(aclFile, ...flags)
  await command.printed(said)
  expect(await command.exited()).toBe(1)
  expect(readFileSync(aclFile, 'utf8')).toBe('{}')
})

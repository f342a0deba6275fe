import { mkdirSync, writeFileSync } from 'node:fs'
import { request as secureRequest } from 'node:https'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { serveUI, type UISettings } from '../../../src/operator/admin/http/serve-ui.ts'
import { readPageFolder } from '../../../src/operator/admin/http/static-files.ts'
import { createActivityLogs } from '../../../src/operator/admin/pages/activity-log.ts'
import { createPages } from '../../../src/operator/admin/pages/pages.ts'
import { clusterView, conditionsOf } from '../../builders/cluster-view.ts'
import { volume } from '../../builders/declarations.ts'
import { volumeRecord } from '../../builders/records.ts'
import { createAuthority } from '../../helpers/certificates.ts'
import { ask, listen } from '../../helpers/dashboard-client.ts'
import { temporaryDirectory, writeTemporaryFile } from '../../helpers/temporary-directory.ts'

const token = 'operator-token-0123456789'
const within = { timeout: 20_000 }

/** A replica's dashboard over one volume. @param leader where it passes requests on to, as it stands by */
async function replica(settings: Partial<UISettings> = {}, leader?: string, page?: string) {
  const view = clusterView({
    records: [volumeRecord(volume('data'), { status: { conditions: conditionsOf('Ready') } })],
  })
  const pages = createPages({
    views: () => (leader === undefined ? [view] : undefined),
    standsBy: () => 'this replica stands by',
    operator: async () => ({ version: '0', readOnly: false, startTime: new Date(0).toISOString() }),
    activity: createActivityLogs({ clock: systemClock, onError: () => {} }),
    readText: async () => undefined,
    plan: () => Promise.reject(new Error('not asked here')),
    clock: systemClock,
  })
  const ui = await serveUI({
    settings: { host: '127.0.0.1', port: 0, names: [], readOnly: false, ...settings },
    pages,
    noOrders: undefined,
    leader: () => leader,
    findPage: () => (page === undefined ? undefined : readPageFolder(page)),
    clock: systemClock,
    log: silentLog,
  })
  let isClosed = false
  const close = async () => {
    if (isClosed) return
    isClosed = true
    await ui.close()
    pages.close()
  }
  onTestFinished(close)
  return { ...ui, view, close, address: new URL(ui.url).host }
}

describe('a replica that stands by', () => {
  it('passes requests, their sessions and the events on to the one that leads', async () => {
    const tokenFile = writeTemporaryFile('tokens', `operator olaf ${token}\n`)
    const leader = await replica({ tokenFile })
    const standby = await replica({}, leader.address)
    const login = await ask(standby.url, '/api/login', {
      method: 'POST',
      headers: { 'mooring-request': '1' },
      body: { token },
    })
    const [cookie = ''] = String(login.headers['set-cookie']).split(';')
    expect((await ask(standby.url, '/api/session', { headers: { cookie } })).json()).toMatchObject({
      user: 'olaf',
    })
    const order = { type: 'suspend', key: 'Volume/default/data' }
    const headers = { cookie, 'mooring-request': '1' }
    const taken = await ask(standby.url, '/api/orders', { method: 'POST', headers, body: order })
    expect([taken.status, taken.text]).toEqual([200, '{"message":"taken"}'])
    const stream = await listen(standby.url)
    await expect.poll(() => stream.events[0]?.event, within).toBe('hello')
    await leader.view.change(volumeRecord(volume('new'), { status: { conditions: conditionsOf('Ready') } }))
    await expect.poll(() => stream.events.at(-1)?.event, within).toBe('change')
    expect((await ask(standby.url, '/api/objects')).text).toBe((await ask(leader.url, '/api/objects')).text)
    stream.close()
  })

  it('passes nothing on twice, and says where the leader does not answer', async () => {
    const first = await replica({}, 'the other’s, below')
    const second = await replica({}, first.address)
    const twice = await ask(second.url, '/api/overview', { headers: { 'mooring-forwarded': '1' } })
    expect([twice.status, twice.text]).toEqual([503, expect.stringContaining('stands by')])
    await first.close()
    const gone = await ask(second.url, '/api/overview')
    expect([gone.status, gone.text]).toEqual([503, expect.stringContaining('does not answer')])
  })
})

it('the dashboard speaks TLS with the certificate of its files, and its cookie is for TLS alone', async () => {
  const authority = await createAuthority(temporaryDirectory())
  const { certFile, keyFile } = await authority.issue('dashboard', ['127.0.0.1'])
  const tokenFile = writeTemporaryFile('tokens', `operator olaf ${token}\n`)
  const { url } = await replica({ tls: { cert: certFile, key: keyFile }, tokenFile })
  expect(url).toMatch(/^https:/)
  const answer = await new Promise<{ status: number; cookie: string }>((resolve, reject) => {
    const request = secureRequest(
      new URL('/api/login', url),
      {
        ca: authority.cert,
        method: 'POST',
        headers: { 'mooring-request': '1', 'content-type': 'application/json' },
      },
      (response) => {
        response.resume()
        resolve({ status: response.statusCode ?? 0, cookie: String(response.headers['set-cookie']) })
      },
    )
    request.on('error', reject)
    request.end(JSON.stringify({ token }))
  })
  expect(answer.status).toBe(200)
  expect(answer.cookie).toMatch(/; Secure$/)
})

describe('the files of the page', () => {
  const folder = () => {
    const root = temporaryDirectory()
    mkdirSync(join(root, 'assets'))
    writeFileSync(join(root, 'index.html'), '<!doctype html>')
    writeFileSync(join(root, 'assets', 'index-1a2b.js'), 'x'.repeat(5_000))
    writeFileSync(join(root, 'secret.pem'), 'no type that a page has')
    return root
  }

  it('are sent with their type, those with a hash in their name for good', async () => {
    const { url } = await replica({}, undefined, folder())
    const script = await ask(url, '/assets/index-1a2b.js', { headers: { 'accept-encoding': 'gzip' } })
    expect(script.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'content-encoding': 'gzip',
    })
    const page = await ask(url, '/')
    expect([page.text, page.headers['cache-control']]).toEqual(['<!doctype html>', 'no-cache'])
    const again = await ask(url, '/', { headers: { 'if-none-match': String(page.headers.etag) } })
    expect(again.status).toBe(304)
  })

  it('are the page for every address of it, and nothing beside the folder', async () => {
    const { url } = await replica({}, undefined, folder())
    for (const path of ['/objects/Volume/default/data', '/secret.pem', '/..%2f..%2fpackage.json']) {
      expect((await ask(url, path)).text, path).toBe('<!doctype html>')
    }
    expect((await ask(url, '/assets/index-old.js')).status).toBe(404)
    expect((await ask(url, '/', { method: 'POST', headers: { 'mooring-request': '1' } })).status).toBe(405)
  })

  it('are missed with the command that builds them', async () => {
    const { url } = await replica()
    const { status, text } = await ask(url, '/')
    expect([status, text]).toEqual([503, expect.stringContaining('npm run dashboard:build')])
  })
})

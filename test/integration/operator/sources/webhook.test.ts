import { createHmac } from 'node:crypto'
import { request } from 'node:http'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { silentLog } from '../../../../src/lib/log.ts'
import { startWebhook } from '../../../../src/operator/sources/webhook.ts'

const secret = 'webhook-secret'
const body = JSON.stringify({ ref: 'refs/heads/main', text: 'ü' })
const sign = (text: string, key = secret) => `sha256=${createHmac('sha256', key).update(text).digest('hex')}`
const onPush = vi.fn()
let url: string

beforeEach(async () => {
  onPush.mockClear()
  const webhook = await startWebhook({ host: '127.0.0.1', port: 0, secret, onPush, log: silentLog })
  url = webhook.url
  onTestFinished(() => webhook.close())
})

async function call(init: RequestInit): Promise<number> {
  const response = await fetch(url, { method: 'POST', ...init })
  await response.arrayBuffer()
  return response.status
}

describe('the webhook', () => {
  test.each<[string, Record<string, string>]>([
    ['signed as GitHub, Gitea and Forgejo do', { 'x-hub-signature-256': sign(body) }],
    ['with the token that GitLab sends', { 'x-gitlab-token': secret }],
  ])('takes a call %s', async (_how, headers) => {
    expect(await call({ body, headers })).toBe(202)
    expect(onPush).toHaveBeenCalledTimes(1)
  })

  test.each<[string, Record<string, string>]>([
    ['without a signature', {}],
    ['signed with another secret', { 'x-hub-signature-256': sign(body, 'other') }],
    ['with the signature of another body', { 'x-hub-signature-256': sign(`${body} `) }],
    ['with a signature that breaks off', { 'x-hub-signature-256': sign(body).slice(0, 20) }],
    ['with an empty signature', { 'x-hub-signature-256': '' }],
    ['with another token', { 'x-gitlab-token': 'webhook-secre' }],
    ['with the old SHA-1 signature alone', { 'x-hub-signature': sign(body) }],
  ])('refuses one %s', async (_how, headers) => {
    expect(await call({ body, headers })).toBe(401)
    expect(onPush).not.toHaveBeenCalled()
  })

  test('says which flag to change where its address is taken', async () => {
    const port = Number(new URL(url).port)
    const second = startWebhook({ host: '127.0.0.1', port, secret, onPush, log: silentLog })
    await expect(second).rejects.toThrow(/^--webhook: .*EADDRINUSE.*give an address where nobody listens$/)
  })

  test('refuses another method, and a body without end', async () => {
    expect(await call({ method: 'GET' })).toBe(405)
    const endless = request(url, { method: 'POST' })
    onTestFinished(() => void endless.destroy())
    const send = () => {
      while (endless.write(Buffer.alloc(2 ** 20))) {}
    }
    endless.on('drain', send).on('error', () => {})
    send()
    // The answer may be lost where the connection is cut while the body is still being sent.
    endless.on('response', ({ statusCode }) => expect(statusCode).toBe(413))
    await new Promise((resolve) => endless.on('close', resolve))
    expect(onPush).not.toHaveBeenCalled()
  })
})

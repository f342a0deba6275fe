import { expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { createHttpClient, type HttpFailure } from '../../src/lib/http/http-client.ts'
import { type Answerer, startHttpServer } from '../fakes/http-server.ts'

async function start(answer: Answerer) {
  const server = await startHttpServer(answer)
  const settings = { address: 'A', authority: 'B', serverName: 'C', clientCertificate: 'D' }
  const client = createHttpClient({
    server: { name: 'the server', shown: server.address, settings },
    origin: server.address,
    pools: { small: { largestAnswerBytes: 1000 }, endless: { largestAnswerBytes: -1 } },
    clock: systemClock,
  })
  onTestFinished(async () => {
    await client.close()
    await server.close()
  })
  return { client, server }
}

const get = { method: 'GET', path: '/', headers: {}, timeoutMs: 10_000 } as const
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: HttpFailure) => error,
  )

it('cuts an answer that is too large, and reads one on the same pool that is not', async () => {
  const { client } = await start(({ path }) => ({ body: 'x'.repeat(path === '/large' ? 5000 : 500) }))
  const failure = await failureOf(client.send({ ...get, pool: 'small', path: '/large' }))
  expect(failure).toMatchObject({ wasSent: true, message: expect.stringContaining('is too large') })
  expect((await client.send({ ...get, pool: 'small' })).text).toHaveLength(500)
  expect((await client.send({ ...get, pool: 'endless', path: '/large' })).text).toHaveLength(5000)
})

it('says whether the server may have seen a request', async () => {
  const { client, server } = await start(() => undefined)
  const abort = new AbortController()
  const sent = failureOf(client.send({ ...get, pool: 'small', signal: abort.signal }))
  await vi.waitFor(() => expect(server.requests).toHaveLength(1))
  abort.abort()
  expect(await sent).toMatchObject({ wasSent: true, isInterrupted: true })
  const late = await failureOf(client.send({ ...get, pool: 'small', signal: abort.signal }))
  expect(late).toMatchObject({ wasSent: false, isInterrupted: true })
  const slow = await failureOf(client.send({ ...get, pool: 'small', timeoutMs: 20 }))
  expect(slow).toMatchObject({ isInterrupted: false, message: 'no answer within 0.02 s' })
  await server.close()
  const refused = await failureOf(client.send({ ...get, pool: 'small' }))
  expect(refused).toMatchObject({ wasSent: false, message: expect.stringContaining('nothing listens at') })
})

it('gives lines until the caller stops, and then closes the connection', async () => {
  const { client, server } = await start((_request, response) => {
    response.writeHead(200).write('one\ntwo\n')
    return undefined
  })
  const { status, lines } = await client.open({ ...get, pool: 'endless' })
  expect(status).toBe(200)
  const seen: string[] = []
  for await (const line of lines()) {
    seen.push(line)
    if (seen.length === 2) break
  }
  expect(seen).toEqual(['one', 'two'])
  await vi.waitFor(async () => expect(await server.connections()).toBe(0))
})

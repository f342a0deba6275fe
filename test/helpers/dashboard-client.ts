import { request } from 'node:http'

export interface DashboardAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  json(): unknown
}

/** Sends one request as a browser or a program would, with any header: fetch does not send Host or Origin. */
export function ask(
  base: string,
  path: string,
  options: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: unknown
  } = {},
): Promise<DashboardAnswer> {
  const { method = 'GET', headers = {}, body } = options
  const text = body === undefined ? undefined : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, base),
      {
        method,
        headers: { ...(text === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          const read = Buffer.concat(parts).toString('utf8')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: read,
            json: () => JSON.parse(read),
          })
        })
      },
    )
    sent.on('error', reject)
    sent.end(text)
  })
}

export interface SeenEvent {
  readonly event: string
  readonly id: string
  readonly data: Record<string, unknown>
}

/** Listens to the events, from the first on. */
export async function listen(base: string, headers: Readonly<Record<string, string>> = {}) {
  const abort = new AbortController()
  const response = await fetch(new URL('/api/events', base), { headers, signal: abort.signal })
  const events: SeenEvent[] = []
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const read = async () => {
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) {
      rest += decoder.decode(chunk, { stream: true })
      const blocks = rest.split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
        const event = field('event')
        if (event !== undefined)
          events.push({ event, id: field('id') ?? '', data: JSON.parse(field('data') ?? '{}') })
      }
    }
  }
  // The end of the connection is what the test waits for, however it comes.
  read().then(end, () => end())
  return { status: response.status, headers: response.headers, events, ended, close: () => abort.abort() }
}

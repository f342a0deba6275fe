import type { requestHeader } from '../../../src/wire/dashboard/session.ts'

/** A request that was refused, or had no answer (`status` 0). The message is for a person. */
export class RequestFailure extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** The browser asks with the ETag that it has, and gives its copy where the operator says that it is current. */
export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return await send<Answer>(path, { cache: 'no-cache', ...(signal === undefined ? {} : { signal }) })
}

/** Foreign pages cannot send this header. */
const header: typeof requestHeader = 'mooring-request'

export async function post<Answer>(path: string, body: object): Promise<Answer> {
  return await send<Answer>(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', [header]: '1' },
  })
}

async function send<Answer>(path: string, options: RequestInit): Promise<Answer> {
  let response: Response
  try {
    response = await fetch(path, { credentials: 'same-origin', ...options })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new RequestFailure(0, 'The operator does not answer.')
  }
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as Answer // As the operator's schema says.
  throw new RequestFailure(response.status, messageOf(text) ?? `The operator answered ${response.status}.`)
}

/** A proxy on the way may answer with a page of its own. */
function messageOf(text: string): string | undefined {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? message : undefined
  } catch {
    return undefined
  }
}

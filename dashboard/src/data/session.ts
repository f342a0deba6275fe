import { signal } from '@preact/signals'
import type { Session } from '../../../src/wire/dashboard/session.ts'
import { announce } from './live.ts'
import { get, post } from './request.ts'

/** Who looks at the page; undefined until the operator has said it. */
export const session = signal<Session | undefined>(undefined)
export const isLogInOpen = signal(false)

export async function readSession(): Promise<void> {
  try {
    session.value = await get<Session>('/api/session')
  } catch {
    // The operator is away: it is asked again when it is back, and what was known stays.
  }
}

/** @throws RequestFailure where the token is not accepted */
export async function logIn(token: string): Promise<void> {
  await post('/api/login', { token })
  await readSession()
  announce({ topics: 'all' })
}

export async function logOut(): Promise<void> {
  await post('/api/logout', {})
  await readSession()
  announce({ topics: 'all' })
}

import type { IncomingHttpHeaders } from 'node:http'
import type { BlockList } from 'node:net'
import { isIP } from 'node:net'
import type { SteadyClock } from '../../../lib/clock.ts'
import { isLoopback } from '../../../lib/http/own-host.ts'
import type { Role, Session } from '../../../wire/dashboard/session.ts'
import { hashToken, type UITokenHolder, type UITokens } from './ui-tokens.ts'

/** An authenticating proxy, which names the user in a header. */
export interface ProxySettings {
  /** In lower case. */
  readonly header: string
  /** Where it connects from. */
  readonly trusted: BlockList
  /** Users who may give orders; `*`: all. Everybody else may read. */
  readonly operators: ReadonlySet<string>
}

/** Whoever sends a request. */
export interface Caller {
  readonly headers: IncomingHttpHeaders
  readonly remoteAddress: string | undefined
}

export interface Access {
  sessionOf(caller: Caller): Session
  /** @returns the cookie's value; undefined: the token is not known. 'too many': wait a minute */
  logIn(token: string, caller: Caller): string | undefined | 'too many'
  logOut(caller: Caller): void
  /** A token that logs in once, as operator: for whoever may open the admin socket. */
  createLoginCode(): string
}

export const cookieName = 'mooring-session'

const sessionMs = 12 * 3_600_000
const codeMs = 3_600_000
const mostSessions = 1_000
const triesPerMinute = 10

interface Stored extends UITokenHolder {
  readonly endsMs: number
  /** Of the token that it was begun with; undefined: a login code. */
  readonly tokenHash?: string
}

/**
 * Decides what a request may do. On loopback everybody may read. Otherwise it takes a token of the file, the cookie of a
 * session that one began, or the header of a proxy that connects from a trusted address.
 */
export function createAccess(options: {
  /** As the file has them now. */
  readonly tokens: () => UITokens
  readonly proxy?: ProxySettings
  /** The server listens on loopback only. */
  readonly isLocal: boolean
  /** Why nobody may give orders; undefined: who has the role may. */
  readonly noOrders: string | undefined
  readonly clock: Pick<SteadyClock, 'monotonicMs'>
  /** The operating system's generator. @returns so many random bytes, base64url */
  readonly randomText: (bytes: number) => string
}): Access {
  const { tokens, proxy, isLocal, noOrders, clock, randomText } = options
  const sessions = new Map<string, Stored>()
  const codes = new Map<string, number>()
  const tries = new Map<string, { count: number; endsMs: number }>()

  function holderOf({
    headers,
    remoteAddress,
  }: Caller): (UITokenHolder & { via: Session['via'] }) | undefined {
    const [, bearer] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? []
    if (bearer !== undefined) {
      const found = tokens().get(hashToken(bearer))
      return found && { ...found, via: 'token' }
    }
    const stored = sessionOfCookie(headers)
    if (stored !== undefined) return { role: stored.role, name: stored.name, via: 'token' }
    if (proxy !== undefined && isFrom(proxy.trusted, remoteAddress)) {
      const user = headers[proxy.header]
      if (typeof user === 'string' && user !== '') {
        const isOperator = proxy.operators.has('*') || proxy.operators.has(user)
        return { role: isOperator ? 'operator' : 'viewer', name: user, via: 'proxy' }
      }
    }
    // What another host sends through a proxy on this machine is not from this machine.
    const isForwarded = headers['x-forwarded-for'] !== undefined || headers.forwarded !== undefined
    const isHere = isLocal && !isForwarded && isLoopback((remoteAddress ?? '').replace(/^::ffff:/, ''))
    return isHere ? { role: 'viewer', name: '', via: 'loopback' } : undefined
  }

  function sessionOfCookie(headers: IncomingHttpHeaders): Stored | undefined {
    const id = cookieOf(headers)
    const hash = id === undefined ? undefined : hashToken(id)
    const stored = hash === undefined ? undefined : sessions.get(hash)
    if (hash === undefined || stored === undefined) return undefined
    // A token that was taken out of the file, or has another role now, ends its sessions.
    const isRevoked = stored.tokenHash !== undefined && tokens().get(stored.tokenHash)?.role !== stored.role
    if (!isRevoked && clock.monotonicMs() < stored.endsMs) return stored
    sessions.delete(hash)
    return undefined
  }

  function isTooOften(address: string): boolean {
    const nowMs = clock.monotonicMs()
    const before = tries.get(address)
    const counted =
      before === undefined || before.endsMs < nowMs ? { count: 0, endsMs: nowMs + 60_000 } : before
    counted.count += 1
    if (tries.size > mostSessions) tries.clear()
    tries.set(address, counted)
    return counted.count > triesPerMinute
  }

  function begin(stored: Stored): string {
    const id = randomText(32)
    const [oldest] = sessions.keys()
    if (sessions.size >= mostSessions && oldest !== undefined) sessions.delete(oldest)
    sessions.set(hashToken(id), stored)
    return id
  }

  return {
    sessionOf(caller) {
      const holder = holderOf(caller)
      const refusal = noOrders ?? explainNoOrders(holder)
      return {
        ...(holder === undefined ? {} : { role: holder.role }),
        ...(holder === undefined || holder.name === '' ? {} : { user: holder.name }),
        ...(holder?.via === undefined ? {} : { via: holder.via }),
        canLogIn: holder?.role !== 'operator',
        mayWrite: refusal === undefined,
        ...(refusal === undefined ? {} : { refusal }),
      }
    },
    logIn(token, caller) {
      const hash = hashToken(token)
      const nowMs = clock.monotonicMs()
      const endsMs = nowMs + sessionMs
      const code = codes.get(hash)
      if (code !== undefined) {
        codes.delete(hash)
        if (nowMs < code) return begin({ role: 'operator', name: 'login link', endsMs })
      }
      const holder = tokens().get(hash)
      if (holder !== undefined) return begin({ ...holder, endsMs, tokenHash: hash })
      return isTooOften(caller.remoteAddress ?? '') ? 'too many' : undefined
    },
    logOut({ headers }) {
      const id = cookieOf(headers)
      if (id !== undefined) sessions.delete(hashToken(id))
    },
    createLoginCode() {
      const nowMs = clock.monotonicMs()
      for (const [hash, endsMs] of codes) if (endsMs < nowMs) codes.delete(hash)
      const code = randomText(24)
      codes.set(hashToken(code), nowMs + codeMs)
      return code
    },
  }
}

function explainNoOrders(
  holder: (UITokenHolder & { readonly via: Session['via'] }) | undefined,
): string | undefined {
  if (holder?.role === 'operator') return undefined
  switch (holder?.via) {
    case undefined:
      return 'log in with a token of --ui-token-file, or by the link of mooring dashboard'
    case 'loopback':
      return 'this session may only read: log in to give orders; mooring dashboard prints a link that does'
    case 'proxy':
      return `${holder?.name} may only read: --ui-proxy-operators names who may give orders`
    default:
      return 'this token is for reading only: log in with one of an operator'
  }
}

function isFrom(list: BlockList, address: string | undefined): boolean {
  const plain = (address ?? '').replace(/^::ffff:/, '')
  const family = isIP(plain)
  return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

function cookieOf({ cookie = '' }: IncomingHttpHeaders): string | undefined {
  for (const part of cookie.split(';')) {
    const [name = '', ...value] = part.trim().split('=')
    if (name === cookieName) return value.join('=')
  }
  return undefined
}

/** Set-Cookie of a session. @param id undefined: takes it away */
export function sessionCookie(id: string | undefined, isSecure: boolean): string {
  const age = id === undefined ? 0 : sessionMs / 1000
  return `${cookieName}=${id ?? ''}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${isSecure ? '; Secure' : ''}`
}

/** Whether a role includes another. */
export function includesRole(role: Role | undefined, needed: Role): boolean {
  return role === 'operator' || role === needed
}

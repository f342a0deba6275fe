import { badRequest } from '../errors.ts'
import { parseGoBoolean, parseGoDurationMs } from '../go-values.ts'

const longestWaitMs = 300_000

/** What every read may say in its query (Nomad: parse in command/agent/http.go). */
export interface ReadOptions {
  /** Default `default`; `*` means every namespace, where a list allows it. */
  readonly namespace: string
  readonly prefix: string
  /** 0: do not block. */
  readonly index: number
  /** At most five minutes, which is also the default. */
  readonly waitMs: number
  /** 0: no limit. */
  readonly perPage: number
  readonly nextToken: string
  readonly filter: string
}

/** @throws ApiError 400 in Nomad's words */
export function parseReadOptions(query: URLSearchParams): ReadOptions {
  const stale = query.get('stale')
  if (stale !== null && stale !== '' && parseGoBoolean(stale) === undefined) {
    throw badRequest(`Failed to parse value of "stale" as a bool`)
  }
  return {
    namespace: parseNamespace(query),
    prefix: query.get('prefix') ?? '',
    index: parseIndex(query.get('index')),
    waitMs: parseWait(query.get('wait')),
    perPage: parsePerPage(query.get('per_page')),
    nextToken: query.get('next_token') ?? '',
    filter: query.get('filter') ?? '',
  }
}

/** The namespace that a request names in its query, else `default`. */
export function parseNamespace(query: URLSearchParams): string {
  return query.get('namespace') || 'default'
}

function parseIndex(text: string | null): number {
  if (text === null || text === '') return 0
  if (!/^\d+$/.test(text) || BigInt(text) >= 2n ** 64n) throw badRequest('Invalid index')
  // No index reaches it, so waiting for a later one takes just as long.
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

function parseWait(text: string | null): number {
  if (text === null || text === '') return longestWaitMs
  const waitMs = parseGoDurationMs(text)
  if (waitMs === undefined) throw badRequest('Invalid wait time')
  return waitMs <= 0 ? longestWaitMs : Math.min(waitMs, longestWaitMs)
}

function parsePerPage(text: string | null): number {
  if (text === null || text === '') return 0
  const perPage = Number(text)
  if (!/^\d+$/.test(text) || perPage > 2 ** 31 - 1) {
    throw badRequest('Expect a number for `per_page` query string parameter')
  }
  return perPage
}

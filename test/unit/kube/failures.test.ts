import { describe, expect, it } from 'vitest'
import { isAlreadyExists, isConflict, isNotFound } from '../../../src/kube/api.ts'
import { classifyAnswer, classifyLostAnswer, type RequestInfo, titleOf } from '../../../src/kube/failures.ts'
import { secrets, volumes } from '../../../src/kube/resources.ts'
import { HttpFailure } from '../../../src/lib/http/http-client.ts'

const read: RequestInfo = { verb: 'get', resource: volumes, namespace: 'storage', name: 'data' }
const write: RequestInfo = { ...read, verb: 'patch', subresource: 'status' }
const status = (reason: string, more: object = {}) => ({
  kind: 'Status',
  reason,
  message: 'as told',
  ...more,
})

const details = { name: 'data', kind: 'volumes' }
const rows: readonly [string, RequestInfo, number, unknown, string | undefined, object][] = [
  [
    'a missing object',
    read,
    404,
    status('NotFound', { details }),
    undefined,
    { kind: 'transient', reason: 'NotFound' },
  ],
  [
    'a missing namespace',
    write,
    404,
    status('NotFound', { details: { name: 'storage', kind: 'namespaces' } }),
    undefined,
    { reason: 'ParentNotFound' },
  ],
  [
    'a path that is not served',
    read,
    404,
    '404 page not found\n',
    undefined,
    { kind: 'waiting', reason: 'ResourceNotServed' },
  ],
  [
    'a right that is missing',
    write,
    403,
    status('Forbidden'),
    undefined,
    { kind: 'waiting', reason: 'Forbidden', retryAfterMs: 30_000 },
  ],
  [
    'credentials that are not accepted',
    write,
    401,
    status('Unauthorized'),
    undefined,
    { kind: 'transient', reason: 'Unauthorized' },
  ],
  ['another version', write, 409, status('Conflict'), undefined, { kind: 'transient', reason: 'Conflict' }],
  [
    'a version that is too old',
    read,
    410,
    status('Expired'),
    undefined,
    { kind: 'transient', reason: 'Expired' },
  ],
  [
    'an object that is invalid',
    write,
    422,
    status('Invalid'),
    undefined,
    { kind: 'permanent', reason: 'Invalid' },
  ],
  [
    'a busy server, by its header',
    write,
    429,
    'too many',
    '7',
    { kind: 'waiting', reason: 'TooManyRequests', retryAfterMs: 7000 },
  ],
  [
    'a busy server, by its Status',
    write,
    429,
    status('TooManyRequests', { details: { retryAfterSeconds: 3 } }),
    '7',
    { kind: 'waiting', retryAfterMs: 3000 },
  ],
  [
    'a busy server that says no time',
    write,
    429,
    'too many',
    undefined,
    { kind: 'waiting', retryAfterMs: 1000 },
  ],
  [
    'a server that goes away and says when to come back',
    write,
    503,
    'bye',
    '5',
    { kind: 'waiting', retryAfterMs: 5000 },
  ],
  [
    'a read that met a failing server',
    read,
    500,
    status('InternalError'),
    undefined,
    { kind: 'transient', reason: 'InternalError' },
  ],
  [
    'a write that met a failing server',
    write,
    500,
    status('InternalError'),
    undefined,
    { kind: 'ambiguous' },
  ],
  [
    'a write that met a proxy without a server',
    write,
    502,
    '<html>',
    undefined,
    { kind: 'ambiguous', reason: 'InternalError' },
  ],
  [
    'a write whose time was over',
    write,
    504,
    status('Timeout'),
    undefined,
    { kind: 'ambiguous', reason: 'Timeout' },
  ],
  [
    'a request that is none',
    write,
    400,
    status('BadRequest'),
    undefined,
    { kind: 'permanent', reason: 'BadRequest' },
  ],
  [
    'a Status without a reason',
    write,
    409,
    { kind: 'Status', message: 'no' },
    undefined,
    { reason: 'Conflict' },
  ],
]

describe('an answer', () => {
  it.each(rows)('%s', (_title, info, code, body, retryAfter, expected) => {
    expect(classifyAnswer(info, code, body, retryAfter)).toMatchObject({ code, ...expected })
  })

  it('is told with the verb, the resource and its place', () => {
    expect(titleOf(write)).toBe('patch volumes.mooring.dev/status "data" in namespace "storage"')
    expect(titleOf({ verb: 'list', resource: secrets })).toBe('list secrets')
    expect(classifyAnswer(read, 500, 'down').message).toBe(
      'get volumes.mooring.dev "data" in namespace "storage": down (500)',
    )
    expect(classifyAnswer(read, 500, 'x'.repeat(1000)).message).toMatch(/the API server answered 500$/)
  })

  it('tells conflicts apart', () => {
    const conflict = classifyAnswer(write, 409, status('Conflict'))
    const taken = classifyAnswer(write, 409, status('AlreadyExists'))
    const other = classifyAnswer(
      write,
      422,
      status('Invalid', { details: { causes: [{ reason: 'FieldValueInvalid', field: 'metadata.uid' }] } }),
    )
    expect([conflict, taken, other].map(isConflict)).toEqual([true, false, true])
    expect([conflict, taken, other].map(isAlreadyExists)).toEqual([false, true, false])
    expect(isNotFound(classifyAnswer(read, 404, status('NotFound', { details })))).toBe(true)
    expect(isNotFound(classifyAnswer(read, 404, status('NotFound')))).toBe(false)
    expect(isNotFound(classifyAnswer(read, 404, 'not here'))).toBe(false)
    expect(isConflict(new Error('other'))).toBe(false)
  })
})

describe('a lost answer', () => {
  const failure = (wasSent: boolean, isInterrupted = false) =>
    new HttpFailure('the reason', { wasSent, isInterrupted, cause: undefined })

  it('is ambiguous to a write that may have been sent', () => {
    expect(classifyLostAnswer(write, failure(true))).toMatchObject({
      kind: 'ambiguous',
      reason: 'KubernetesUnreachable',
      message: expect.stringContaining('the reason'),
    })
    expect(classifyLostAnswer(write, failure(true, true))).toMatchObject({
      kind: 'ambiguous',
      reason: 'Interrupted',
    })
    expect(classifyLostAnswer(read, failure(true)).kind).toBe('transient')
  })

  it('is transient where nothing was sent', () => {
    expect(classifyLostAnswer(write, failure(false))).toMatchObject({ kind: 'transient', code: undefined })
    expect(classifyLostAnswer(write, failure(false, true))).toMatchObject({ kind: 'transient' })
  })
})

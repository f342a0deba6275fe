import { describe, expect, it } from 'vitest'
import { needs } from '../../../src/server/acl/needs.ts'
import { createOpenApiDocument } from '../../../src/server/openapi/document.ts'
import { operations } from '../../../src/server/openapi/operations.ts'
import { createDescribeFault } from '../../conformance/describe-fault.ts'

const text = JSON.stringify(createOpenApiDocument('1.2.3'))

describe('the OpenAPI document', () => {
  it('has every operation that is served, and no other', () => {
    const served = Object.keys(needs).filter((operation) => !operation.includes(':rest'))
    expect(Object.keys(operations).sort()).toEqual(served.sort())
  })

  it('refers only to shapes that it has', () => {
    const { components } = JSON.parse(text)
    const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name)
    expect(references.length).toBeGreaterThan(20)
    expect(references.filter((name) => !Object.hasOwn(components.schemas, name))).toEqual([])
    expect(text).not.toContain('bigint')
  })
})

describe('an answer is described', () => {
  const fault = createDescribeFault(text)
  const seen = (body: unknown, status = 200, type = 'application/json') => ({
    status,
    headers: new Headers({ 'content-type': type }),
    text: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const namespace = {
    Name: 'default',
    Description: '',
    Quota: '',
    Capabilities: null,
    NodePoolConfiguration: null,
    VaultConfiguration: null,
    ConsulConfiguration: null,
    RequiredExtraClaims: null,
    OptionalExtraClaims: null,
    Meta: {},
    CreateIndex: 1,
    ModifyIndex: 1,
  }

  it('as it should be', () => {
    expect(fault('GET', '/v1/namespaces?prefix=d', seen([namespace]))).toBeUndefined()
    expect(
      fault('GET', '/v1/namespace/x', seen('Namespace not found', 404, 'text/plain; charset=utf-8')),
    ).toBe(undefined)
  })

  it.each([
    ['a field of another type', seen([{ ...namespace, CreateIndex: '1' }])],
    ['a field that is not there', seen([{ Name: 'default' }])],
    ['a field that nobody knows', seen([{ ...namespace, Odd: 1 }])],
    ['an error that is JSON', seen({}, 400)],
    ['a text', seen('default', 200, 'text/plain')],
  ])('but not with %s', (_title, answer) => {
    expect(fault('GET', '/v1/namespaces', answer)).toEqual(expect.any(String))
  })

  it('but not of a path that is not there', () => {
    expect(fault('GET', '/v1/odd', seen([1]))).toMatch(/not in the document/)
  })
})

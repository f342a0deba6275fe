import { badRequest, type Cause } from './failure.ts'
import { asRecord, isRecord, type JsonObject } from './json.ts'
import { crdKind, faultsOfCrd, type ServedKind } from './kinds.ts'

/** Go's MicroTime takes exactly six digits of a second's fraction. */
const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const dataKey = /^[-._a-zA-Z0-9]{1,253}$/

/**
 * What a real API server says of the built-in kinds that Mooring writes.
 * @throws ApiFailure 400 for what its decoder refuses
 */
export function checkBuiltIn(kind: ServedKind, object: JsonObject): Cause[] {
  switch (kind.kind) {
    case 'Lease':
      return checkLease(asRecord(object.spec))
    case 'Event':
      return checkEvent(object)
    case 'Secret':
      return checkData(object, (value) => {
        if (!base64.test(value))
          throw badRequest('Secret in version "v1" cannot be handled as a Secret: illegal base64 data')
      })
    case 'ConfigMap':
      return checkData(object, () => {})
    case crdKind.kind:
      return faultsOfCrd(object).map((fault) => ({
        reason: 'FieldValueInvalid',
        message: fault.slice(fault.indexOf(':') + 2),
        field: fault.slice(0, fault.indexOf(':')),
      }))
    default:
      return []
  }
}

function checkLease(spec: JsonObject): Cause[] {
  for (const field of ['acquireTime', 'renewTime']) {
    const value = spec[field]
    if (value !== undefined && value !== null && !(typeof value === 'string' && microTime.test(value))) {
      throw badRequest(
        `Lease in version "v1" cannot be handled as a Lease: parsing time ${JSON.stringify(value)}`,
      )
    }
  }
  const positive = spec.leaseDurationSeconds === undefined || Number(spec.leaseDurationSeconds) > 0
  const counted = spec.leaseTransitions === undefined || Number(spec.leaseTransitions) >= 0
  return [
    ...(positive ? [] : [fault('spec.leaseDurationSeconds', 'must be greater than 0')]),
    ...(counted ? [] : [fault('spec.leaseTransitions', 'must be greater than or equal to 0')]),
    ...(spec.holderIdentity === '' ? [fault('spec.holderIdentity', 'must not be empty')] : []),
  ]
}

function checkEvent(object: JsonObject): Cause[] {
  const about = asRecord(object.involvedObject).namespace ?? 'default'
  const isSame = asRecord(object.metadata).namespace === (about === '' ? 'default' : about)
  return isSame ? [] : [fault('involvedObject.namespace', 'does not match event.namespace')]
}

function checkData(object: JsonObject, check: (value: string) => void): Cause[] {
  const data = isRecord(object.data) ? Object.entries(object.data) : []
  let size = 0
  for (const [, value] of data) {
    if (typeof value !== 'string')
      throw badRequest('data: json: cannot unmarshal into Go struct field of type string')
    check(value)
    size += value.length
  }
  return [
    ...data
      .filter(([name]) => !dataKey.test(name))
      .map(([name]) =>
        fault(`data[${name}]`, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"),
      ),
    ...(size > 1024 * 1024 ? [fault('', 'Too long: may not be more than 1048576 bytes')] : []),
  ]
}

const fault = (field: string, message: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${message}`,
  field,
})

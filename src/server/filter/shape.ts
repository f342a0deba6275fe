import Type from 'typebox'

/** What a filter can see of a value. What has no shape cannot be seen. */
export type Shape =
  | { readonly type: 'string' | 'boolean' }
  | { readonly type: 'integer'; readonly unsigned?: boolean }
  /** Its keys are text. */
  | { readonly type: 'map'; readonly of: Shape }
  | { readonly type: 'list'; readonly of: Shape }
  /** May be null. */
  | { readonly type: 'object'; readonly fields: Readonly<Record<string, Shape>> }

/** The shape of a field of an answer, by its schema; undefined: no filter can see it. */
export function shapeOf(schema: Type.TSchema): Shape | undefined {
  if (Type.IsString(schema)) return { type: 'string' }
  if (Type.IsBoolean(schema)) return { type: 'boolean' }
  if (Type.IsInteger(schema)) return { type: 'integer' }
  if (Type.IsUnion(schema)) {
    const [first] = schema.anyOf.filter((variant) => !Type.IsNull(variant))
    return first === undefined ? undefined : shapeOf(first)
  }
  if (Type.IsArray(schema)) return wrap('list', shapeOf(schema.items))
  if (Type.IsRecord(schema))
    return wrap('map', shapeOf(Object.values(schema.patternProperties)[0] ?? Type.Null()))
  if (Type.IsObject(schema)) return { type: 'object', fields: fieldsOf(schema) }
  return undefined
}

/** The shapes of an object's fields, by their names. */
export function fieldsOf(schema: Type.TObject): Readonly<Record<string, Shape>> {
  return Object.fromEntries(
    Object.entries(schema.properties).flatMap(([name, field]) => {
      const shape = shapeOf(field)
      return shape === undefined ? [] : [[name, shape]]
    }),
  )
}

const wrap = (type: 'list' | 'map', of: Shape | undefined): Shape | undefined => of && { type, of }

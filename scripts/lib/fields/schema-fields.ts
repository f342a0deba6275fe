/** A node of a JSON Schema, as far as the pages about fields look at it. */
export interface SchemaNode {
  readonly title?: string
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  readonly description?: string
  readonly default?: unknown
  readonly required?: readonly string[]
}

export interface SchemaField {
  /** `spec.capabilities[].accessMode` */
  readonly path: string
  readonly description: string
  /** `required`, the default, or nothing. */
  readonly unlessGiven: string
}

/** Every field beneath a schema, in its order. */
export function schemaFields(schema: SchemaNode, path = ''): SchemaField[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    {
      path: `${path}${name}`,
      description: field.description ?? '',
      unlessGiven: unlessGiven(field, schema.required?.includes(name) === true),
    },
    ...schemaFields(field, `${path}${name}.`),
  ])
  const items = schema.items === undefined ? [] : schemaFields(schema.items, path.replace(/\.$/, '[].'))
  return [...own, ...items, ...(schema.anyOf ?? []).flatMap((node) => schemaFields(node, path))]
}

function unlessGiven(field: SchemaNode, isRequired: boolean): string {
  if (isRequired) return 'required'
  return field.default === undefined ? '' : `\`${field.default}\``
}

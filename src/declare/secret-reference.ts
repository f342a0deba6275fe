/** Where a secret's value is; the value itself never stands in a declaration. */
export type SecretReference = { readonly fromEnv: string } | { readonly fromFile: string }

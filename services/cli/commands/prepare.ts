import { Command } from "commander";
import { homeFolders, homeOption } from "../home.ts";
import { prepareShop } from "../prepare-shop.ts";

export function prepareCommand(): Command {
  return new Command("prepare")
    .description("where there is no release, make a small synthetic shop, train on it and seed its users' profiles; serve nothing")
    .option(...homeOption)
    .action(async (flags: { readonly home?: string }) => {
      await prepareShop(homeFolders(flags.home));
    });
}

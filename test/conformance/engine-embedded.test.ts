import { embeddedSite } from "./embedded-site.ts";
import { engineConformance } from "./engine.ts";

engineConformance("embedded", embeddedSite);

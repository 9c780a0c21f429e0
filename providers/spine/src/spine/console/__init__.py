"""The console: pages and a JSON API below ``/spine`` in Airflow's API server, for whoever is logged in there."""

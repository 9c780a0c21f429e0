-- Weekly trade activity of bonds, from the gateway: the newest state of each week, tier and CUSIP.
CREATE TABLE fact_bond_trade_activity (
    week_ending ${date} NOT NULL,
    tier ${code} NOT NULL,
    cusip ${code} NOT NULL,
    symbol ${code},
    issuer_name ${text},
    volume_total ${bigint} NOT NULL,
    volume_customer ${bigint},
    trade_count ${bigint} NOT NULL,
    avg_price ${double},
    source ${code} NOT NULL,
    loaded_at ${instant} NOT NULL,
    PRIMARY KEY (week_ending, tier, cusip)
);
CREATE INDEX fact_bond_trade_activity_cusip ON fact_bond_trade_activity (cusip, week_ending);
